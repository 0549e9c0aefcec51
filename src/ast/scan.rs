//! Text → tokens and comments, in one linear pass that comes before the grammar.
//!
//! The tokens serve three purposes: they bound what the grammar is given (size, nesting), they
//! are what messages speak of, and they find the operators and numbers of other languages, which
//! the grammar could only call unexpected.

use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// The text of a file: UTF-8 of a bearable size.
///
/// A file that is neither is refused with a diagnostic that has no place, since there is no text
/// to point at.
pub fn decode(bytes: &[u8]) -> Result<&str, Box<Diagnostic>> {
    if bytes.len() > MAX_BYTES {
        return Err(Box::new(too_large(bytes.len())));
    }
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let at = error.valid_up_to();
    let line = bytes[..at].iter().filter(|b| **b == b'\n').count() + 1;
    let diagnostic = Diagnostic::error(Code::NotText, "the file is not UTF-8 text").note(format!(
        "the byte {:#04x} at offset {at}, on line {line}, does not fit",
        bytes[at]
    ));
    let wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    Err(Box::new(if wide {
        diagnostic.help("the file looks like UTF-16: save it as UTF-8")
    } else {
        diagnostic.help("save the file as UTF-8")
    }))
}

fn too_large(bytes: usize) -> Diagnostic {
    Diagnostic::error(
        Code::TooLarge,
        format!("the spec has {bytes} bytes, more than the {MAX_BYTES} that are read"),
    )
    .help("a spec is a page or two of text: is this the right file?")
}

/// What kind of token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TokenKind {
    /// A word that starts in lower case, reserved or not.
    Word,
    /// A word that starts in upper case.
    Axis,
    /// A well-formed number.
    Number,
    /// An operator or punctuation of the language.
    Symbol,
    /// Anything that the language does not have.
    Foreign,
}

/// A piece of text that counts as one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
    /// Whether it is the first token on its line.
    pub first: bool,
}

/// A comment, without the end of its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment {
    pub start: usize,
    pub end: usize,
    /// Whether it starts with two marks, and not with more.
    pub doc: bool,
    /// Whether nothing stands before it on its line.
    pub alone: bool,
}

/// What the pass finds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub tokens: Vec<Token>,
    pub comments: Vec<Comment>,
}

/// The symbols of the language and the commonest ones of others, the longest first.
const SYMBOLS: &[(&str, TokenKind)] = &[
    ("...", TokenKind::Symbol),
    ("===", TokenKind::Foreign),
    ("!==", TokenKind::Foreign),
    ("..", TokenKind::Symbol),
    ("==", TokenKind::Symbol),
    ("!=", TokenKind::Symbol),
    ("~=", TokenKind::Symbol),
    ("≈", TokenKind::Symbol),
    ("<=", TokenKind::Symbol),
    (">=", TokenKind::Symbol),
    ("**", TokenKind::Foreign),
    ("&&", TokenKind::Foreign),
    ("||", TokenKind::Foreign),
    ("//", TokenKind::Foreign),
    ("/*", TokenKind::Foreign),
    ("->", TokenKind::Foreign),
    ("=>", TokenKind::Foreign),
    (":=", TokenKind::Foreign),
    ("+=", TokenKind::Foreign),
    ("-=", TokenKind::Foreign),
    ("*=", TokenKind::Foreign),
    ("/=", TokenKind::Foreign),
    ("<>", TokenKind::Foreign),
];

/// Reads the text into tokens; an error ends the reading for good.
pub(super) fn scan(file: FileId, text: &str) -> Result<Scan, Box<Diagnostic>> {
    if text.len() > MAX_BYTES {
        return Err(Box::new(too_large(text.len())));
    }
    if let Some(at) = text.bytes().position(is_control) {
        let diagnostic = Diagnostic::error(
            Code::NotText,
            format!(
                "the file holds the control byte {:#04x}",
                text.as_bytes()[at]
            ),
        )
        .at(Span::new(file, at, at + 1), "not text")
        .help("remove it; only tabs and line ends are allowed");
        return Err(Box::new(diagnostic));
    }

    let mut out = Scan::default();
    // A byte order mark is no part of the text.
    let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut first = true;
    while at < text.len() {
        let rest = &text[at..];
        match rest.as_bytes()[0] {
            b'\n' | b'\r' => {
                first = true;
                at += 1;
            }
            b' ' | b'\t' => at += 1,
            b'#' => {
                let end = at + line_length(rest);
                out.comments.push(Comment {
                    start: at,
                    end,
                    doc: rest.starts_with("##") && !rest.starts_with("###"),
                    alone: first,
                });
                at = end;
            }
            _ => {
                let (kind, length, skipped) = token(rest);
                out.tokens.push(Token {
                    kind,
                    start: at,
                    end: at + length,
                    first,
                });
                first = text[at..at + length].contains('\n');
                at += length + skipped;
            }
        }
    }
    Ok(out)
}

/// Where the comments of a text are, with their marks.
pub fn comments(text: &str) -> Vec<(usize, usize)> {
    let found = scan(FileId(0), text).map(|scan| scan.comments);
    let comments = found.unwrap_or_default().into_iter();
    comments
        .map(|comment| (comment.start, comment.end))
        .collect()
}

fn is_control(byte: u8) -> bool {
    byte == 0x7f || (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'))
}

/// The kind and the length of the token at the start of `rest`, and how much to pass over behind
/// it.
fn token(rest: &str) -> (TokenKind, usize, usize) {
    let byte = rest.as_bytes()[0];
    if byte.is_ascii_lowercase() || byte == b'_' {
        return (TokenKind::Word, word_length(rest), 0);
    }
    if byte.is_ascii_uppercase() {
        return (TokenKind::Axis, word_length(rest), 0);
    }
    if byte.is_ascii_digit() {
        let (length, fine) = number(rest);
        let kind = if fine {
            TokenKind::Number
        } else {
            TokenKind::Foreign
        };
        return (kind, length, 0);
    }
    if matches!(byte, b'"' | b'\'') {
        return (TokenKind::Foreign, string_length(rest), 0);
    }
    if byte == b'.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
        // `.5`: the point and the rest of the number.
        return (TokenKind::Foreign, 1 + number(&rest[1..]).0, 0);
    }
    if let Some((symbol, kind)) = SYMBOLS.iter().find(|(s, _)| rest.starts_with(s)) {
        // What stands behind the comment marks of other languages is no spec.
        let skipped = match *symbol {
            "//" => line_length(rest) - 2,
            "/*" => rest.find("*/").map_or(rest.len(), |n| n + 2) - 2,
            _ => 0,
        };
        return (*kind, symbol.len(), skipped);
    }
    if b"()[]{},:;=<>+-*/^".contains(&byte) {
        return (TokenKind::Symbol, 1, 0);
    }
    let length = rest.chars().next().map_or(1, char::len_utf8);
    (TokenKind::Foreign, length, 0)
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(rest.len())
}

fn line_length(rest: &str) -> usize {
    rest.find(['\n', '\r']).unwrap_or(rest.len())
}

/// The length of a string literal of another language, with its quotes.
fn string_length(rest: &str) -> usize {
    let line = line_length(rest);
    for quote in ["\"\"\"", "'''"] {
        if rest.starts_with(quote) {
            return rest[3..].find(quote).map_or(line, |n| n + 6);
        }
    }
    let quote = &rest[..1];
    rest[1..line].find(quote).map_or(line, |n| n + 2)
}

/// The length of the number at the start of `rest` with everything glued to it, and whether all
/// of it is a number of the language.
fn number(rest: &str) -> (usize, bool) {
    let bytes = rest.as_bytes();
    let digits = |from: usize| {
        let count = bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        from + count
    };
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(b' ');

    let mut at = digits(0);
    let mut fine = true;
    if byte(at) == b'.' && byte(at + 1) != b'.' {
        let end = digits(at + 1);
        fine = end > at + 1;
        at = end;
    }
    if matches!(byte(at), b'e' | b'E') {
        let sign = usize::from(matches!(byte(at + 1), b'+' | b'-'));
        let end = digits(at + 1 + sign);
        if end > at + 1 + sign {
            at = end;
        }
    }
    let glued = word_length(&rest[at..]);
    // A second point, as in `1.2.3`, belongs to what is glued on, and so do the digits after it.
    let point = glued == 0 && byte(at) == b'.' && byte(at + 1) != b'.';
    let end = if point { digits(at + 1) } else { at + glued };
    (end, fine && glued == 0 && !point)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<(&str, TokenKind)> {
        let scan = scan(FileId(0), text).expect("scans");
        let tokens = scan.tokens.iter();
        tokens.map(|t| (&text[t.start..t.end], t.kind)).collect()
    }

    #[test]
    fn tokens_are_the_longest_possible() {
        use TokenKind::*;
        assert_eq!(
            tokens("x[C=1..]>=...S a**b"),
            [
                ("x", Word),
                ("[", Symbol),
                ("C", Axis),
                ("=", Symbol),
                ("1", Number),
                ("..", Symbol),
                ("]", Symbol),
                (">=", Symbol),
                ("...", Symbol),
                ("S", Axis),
                ("a", Word),
                ("**", Foreign),
                ("b", Word),
            ]
        );
    }

    #[test]
    fn numbers_keep_away_from_dots_and_letters() {
        use TokenKind::*;
        let kinds = |text| tokens(text).into_iter().map(|t| t.1).collect::<Vec<_>>();
        for good in ["1", "0.5", "1e-6", "1E5", "1.5e+10", "0"] {
            assert_eq!(tokens(good), [(good, Number)]);
        }
        for bad in [
            "1.", ".5", "2x", "1_000", "1e", "0x1f", "1.5f", "1.2.", "1.2.3",
        ] {
            assert_eq!(tokens(bad), [(bad, Foreign)], "{bad}");
        }
        assert_eq!(kinds("1..3"), [Number, Symbol, Number]);
        assert_eq!(kinds("1 - 3"), [Number, Symbol, Number]);
        assert_eq!(kinds("1-3"), [Number, Symbol, Number]);
    }

    #[test]
    fn comments_and_lines_are_seen() {
        let text = "## doc\nlet a = 1 # rest\n  ### rule\n";
        let scan = scan(FileId(0), text).expect("scans");
        let comments: Vec<_> = scan
            .comments
            .iter()
            .map(|c| (&text[c.start..c.end], c.doc, c.alone))
            .collect();
        assert_eq!(
            comments,
            [
                ("## doc", true, true),
                ("# rest", false, false),
                ("### rule", false, true)
            ]
        );
        let first: Vec<bool> = scan.tokens.iter().map(|t| t.first).collect();
        assert_eq!(first, [true, false, false, false]);
    }

    #[test]
    fn strings_and_foreign_comments_are_one_token() {
        assert_eq!(tokens("'a b' c").len(), 2);
        assert_eq!(tokens("\"a b\nc").len(), 2);
        assert_eq!(tokens("a // b c\nd").len(), 3);
        assert_eq!(tokens("a /* b\nc */ d").len(), 3);
        assert_eq!(tokens("\"\"\"a\nb\"\"\" d").len(), 2);
    }

    #[test]
    fn files_that_are_not_text_are_refused() {
        assert_eq!(decode(b"dice()").map_err(|d| d.code), Ok("dice()"));
        let error = decode(b"a\nb \xff").expect_err("not UTF-8");
        assert_eq!(error.code, Code::NotText);
        assert_eq!(
            error.notes,
            ["the byte 0xff at offset 4, on line 2, does not fit"]
        );
        let error = decode(b"\xff\xfed\0i\0").expect_err("UTF-16");
        assert!(error.help[0].contains("UTF-16"));
        let large = vec![b' '; MAX_BYTES + 1];
        assert_eq!(decode(&large).map_err(|d| d.code), Err(Code::TooLarge));

        let error = scan(FileId(0), "di\0ce()").expect_err("NUL");
        assert_eq!(error.code, Code::NotText);
        assert_eq!(error.primary.map(|l| l.span.range()), Some(2..3));
        assert!(scan(FileId(0), "\u{feff}dice()\r\n\t").is_ok());
    }
}
