//! .npy files: NumPy's format, versions 1 to 3.
//!
//! The header is a Python literal, of which only what NumPy writes is read here. A general reader
//! of Python literals recurses on what the file says, and multiplies sizes without looking.

use super::element::{Element, byte_count, tensor};
use super::{Read, read_bytes};
use lossc::candle_core::Tensor;
use std::fs::File;
use std::io;

/// The longest header that is read. NumPy's own are about a hundred bytes.
const MAX_HEADER: usize = 1 << 20;

/// What the header says.
#[derive(Debug)]
pub struct Header {
    element: Element,
    big: bool,
    fortran: bool,
    shape: Vec<usize>,
    /// The bytes of the numbers.
    pub bytes: usize,
    /// The bytes of the header itself.
    length: usize,
}

/// Reads a file that holds one array and nothing else.
pub fn read_file((mut file, size): (File, u64)) -> Read<Tensor> {
    let header = Header::read(&mut file)?;
    let rest = size.saturating_sub(header.length as u64);
    if rest != header.bytes as u64 {
        let bytes = header.bytes;
        return Err(format!(
            "it promises {bytes} bytes of numbers (shape {:?}), and {rest} are there",
            header.shape
        ));
    }
    header.numbers(file)
}

impl Header {
    /// Reads the header and leaves the reader at the first number.
    pub fn read(from: &mut impl io::Read) -> Read<Header> {
        let not_npy = |_| "it does not begin as a .npy file does".to_string();
        let start = read_bytes(&mut *from, 8).map_err(not_npy)?;
        if !start.starts_with(b"\x93NUMPY") {
            return Err(not_npy(String::new()));
        }
        let field = match start[6] {
            1 => 2,
            2 | 3 => 4,
            version => return Err(format!("version {version} of the format is not known")),
        };
        let cut = |_| "its header ends too early".to_string();
        let length = read_bytes(&mut *from, field).map_err(cut)?;
        let length = length.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b));
        if length > MAX_HEADER {
            return Err(format!("its header claims to be {length} bytes long"));
        }
        let text = read_bytes(&mut *from, length).map_err(cut)?;
        let text = String::from_utf8_lossy(&text);
        let Some(Fields {
            descr,
            fortran,
            shape,
        }) = Literal::new(&text).fields()
        else {
            let shown: String = text.trim().chars().take(80).collect();
            return Err(format!(
                "its header is not one that NumPy writes: `{shown}`"
            ));
        };
        let (element, big) = element(&descr)?;
        Ok(Header {
            bytes: byte_count(element, &shape)?,
            element,
            big,
            fortran,
            shape,
            length: 8 + field + length,
        })
    }

    /// Reads the numbers.
    pub fn numbers(&self, from: impl io::Read) -> Read<Tensor> {
        let bytes = read_bytes(from, self.bytes)?;
        if !self.fortran || self.shape.len() < 2 {
            return tensor(self.element, &self.shape, &bytes, self.big);
        }
        // The first axis runs fastest: the same numbers with the axes the other way round.
        let reversed: Vec<usize> = self.shape.iter().rev().copied().collect();
        let order: Vec<usize> = (0..reversed.len()).rev().collect();
        let turned = tensor(self.element, &reversed, &bytes, self.big)?;
        let turned = turned.permute(order).and_then(|t| t.contiguous());
        turned.map_err(|error| error.to_string())
    }
}

/// The element type that `descr` names, and whether its bytes come largest first.
fn element(descr: &str) -> Read<(Element, bool)> {
    let (order, name) = match descr.chars().next() {
        Some(order @ ('<' | '>' | '|' | '=')) => (order, &descr[1..]),
        _ => ('=', descr),
    };
    let element = match name {
        "b1" | "?" => Element::Bool,
        "i1" => Element::I8,
        "i2" => Element::I16,
        "i4" => Element::I32,
        "i8" => Element::I64,
        "u1" => Element::U8,
        "u2" => Element::U16,
        "u4" => Element::U32,
        "u8" => Element::U64,
        "f2" => Element::F16,
        "f4" => Element::F32,
        "f8" => Element::F64,
        _ => {
            let what = match name.chars().next() {
                Some('O') => "Python objects, which are never loaded",
                Some('c') => "complex numbers",
                Some('S' | 'U' | 'a') => "text",
                Some('[') => "records of several fields",
                Some('M' | 'm') => "dates or times",
                // What the bfloat16 of other packages becomes when NumPy saves it.
                Some('V') => "raw bytes; bf16 is read from .safetensors files",
                Some('f') => "floats of a size that only some machines have",
                _ => "elements of an unknown type",
            };
            return Err(format!("it holds {what} (`{descr}`)"));
        }
    };
    // NumPy always says `<` or `>` where it matters; `=` is the machine that wrote the file.
    Ok((element, order == '>'))
}

/// The three entries of a header.
struct Fields {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

/// A header, read from the left.
struct Literal<'a> {
    rest: &'a str,
}

impl<'a> Literal<'a> {
    fn new(text: &'a str) -> Literal<'a> {
        Literal { rest: text }
    }

    /// `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, in any order.
    fn fields(mut self) -> Option<Fields> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.take("{")?;
        while self.take("}").is_none() {
            let key = self.string()?;
            self.take(":")?;
            match key {
                "descr" => descr = Some(self.descr()?),
                "fortran_order" => fortran = Some(self.boolean()?),
                "shape" => shape = Some(self.shape()?),
                _ => return None,
            }
            if self.take(",").is_none() {
                self.take("}")?;
                break;
            }
        }
        if !self.rest.trim().is_empty() {
            return None;
        }
        Some(Fields {
            descr: descr?,
            fortran: fortran?,
            shape: shape?,
        })
    }

    fn take(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let text = self.rest.trim_start();
        let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (string, rest) = text[1..].split_once(quote)?;
        self.rest = rest;
        Some(string)
    }

    /// A type; the list that describes records is kept as it is, for the message.
    fn descr(&mut self) -> Option<String> {
        if self.rest.trim_start().starts_with('[') {
            let end = self.rest.find(']')?;
            let list = self.rest[..=end].trim().to_string();
            self.rest = &self.rest[end + 1..];
            return Some(list);
        }
        self.string().map(str::to_string)
    }

    fn boolean(&mut self) -> Option<bool> {
        match self.take("True") {
            Some(()) => Some(true),
            None => self.take("False").map(|()| false),
        }
    }

    /// `()`, `(3,)`, `(2, 3)`; Python 2 wrote `3L`.
    fn shape(&mut self) -> Option<Vec<usize>> {
        let mut shape = Vec::new();
        self.take("(")?;
        while self.take(")").is_none() {
            self.rest = self.rest.trim_start();
            let end = self.rest.find(|c: char| !c.is_ascii_digit())?;
            shape.push(self.rest[..end].parse().ok()?);
            self.rest = &self.rest[end..];
            let _ = self.take("L");
            if self.take(",").is_none() {
                self.take(")")?;
                break;
            }
        }
        Some(shape)
    }
}
