//! A text of which only some places are shown.

use crate::source::Span;

/// Blank text as long as another, with its line ends.
pub(super) struct Mask<'t> {
    text: &'t str,
    shown: Vec<u8>,
}

impl<'t> Mask<'t> {
    pub fn new(text: &'t str) -> Mask<'t> {
        let blank = |byte: u8| if byte == b'\n' { b'\n' } else { b' ' };
        Mask {
            text,
            shown: text.bytes().map(blank).collect(),
        }
    }

    /// Shows a place, on a line of its own if anything stands before it.
    pub fn show(&mut self, span: Span) {
        let range = span.range();
        let part = self.text.get(range.clone()).unwrap_or_default();
        if let Some(place) = self.shown.get_mut(range.clone()) {
            place.copy_from_slice(part.as_bytes());
        }
        if let Some(before) = range.start.checked_sub(1)
            && self.shown[before] == b' '
        {
            self.shown[before] = b'\n';
        }
    }

    /// The text; places are those of the whole.
    pub fn text(self) -> String {
        // Only whole parts of a text are shown, so this is text again.
        String::from_utf8(self.shown).unwrap_or_default()
    }
}
