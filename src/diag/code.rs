//! The table of codes: one row for each kind of mistake.
//!
//! A row is the code, its name in Rust, the name of the lint if it is a warning, and its title.
//! `src/diag/explain/CODE.md` is its page.

macro_rules! codes {
    ($($code:ident $name:ident $(= $lint:literal)?: $title:literal;)*) => {
        /// A kind of mistake. `E01` is syntax, `E02` names, kinds and axes, `E03` options,
        /// `E04` the spec as a whole, `E05` tests in specs, `E06` what is bound when it runs, `E07` modules,
        /// `W` warnings.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The code as printed, `E0204`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => stringify!($code),)* }
            }

            /// What the code stands for, as a sentence fragment.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// The name of a warning, as `# allow(name)` takes it; `None` for an error.
            pub fn lint(self) -> Option<&'static str> {
                let names: &[&str] = match self { $(Code::$name => &[$($lint)?],)* };
                names.first().copied()
            }

            /// The page that explains the code: what it means, a wrong spec, a right one.
            pub fn page(self) -> &'static str {
                match self {
                    $(Code::$name => include_str!(concat!("explain/", stringify!($code), ".md")),)*
                }
            }

            /// The code printed as `text`, upper or lower case, or the lint of that name.
            pub fn from_name(text: &str) -> Option<Code> {
                let is = |c: &Code| c.as_str().eq_ignore_ascii_case(text) || c.lint() == Some(text);
                Code::ALL.iter().copied().find(is)
            }
        }
    };
}

codes! {
    E0101 Syntax: "the text is not a spec";
    E0102 TooLarge: "the spec is too large";
    E0103 TooDeep: "expressions are nested too deeply";
    E0104 NotText: "the file is not text";
    E0105 Empty: "the spec is empty";

    E0201 UnknownName: "a name is not in scope";
    E0202 Duplicate: "a name is defined twice";
    E0203 KindMismatch: "a value is of another kind than is needed";
    E0204 AxisMismatch: "axes do not agree";
    E0205 UnknownAxis: "an axis does not exist";
    E0206 SizeMismatch: "sizes do not agree";
    E0207 Cycle: "definitions depend on each other in a circle";
    E0208 OneClass: "a softmax over one class is always 1";
    E0209 NotScalar: "the loss is not one number";
    E0210 BadType: "a type does not make sense";
    E0211 NotStatic: "a value must be known when the spec is checked";
    E0212 BadIndex: "an index or a slice is outside its axis";
    E0213 Ambiguous: "a call fits two definitions equally well";

    E0301 UnknownOption: "an option does not exist";
    E0302 BadOption: "an option has a value that it cannot have";
    E0303 MissingOption: "an option without a default is not given";
    E0304 TooManyArguments: "there are more arguments than options";
    E0305 MissingOperand: "an operand is neither given nor in scope";

    E0401 NoLoss: "the spec says nothing to minimize";
    E0402 ManyLosses: "the spec says twice what to minimize";
    E0403 BadVersion: "the language version is unknown";
    E0404 TooBig: "the spec expands to too many operations";

    E0501 TestValue: "a test gives or expects something that makes no sense";
    E0502 Expectation: "what a test expects is not so";

    E0601 MissingInput: "an input is not given";
    E0602 UnknownInput: "an input is given that the spec does not have";
    E0603 WrongRank: "a tensor has the wrong number of axes";
    E0604 WrongType: "a tensor has the wrong element type";
    E0605 WrongSize: "the sizes of tensors disagree";
    E0606 BadLabel: "a label is not a class number";
    E0607 BadScalar: "a scalar is outside its range";
    E0608 Execution: "the back end failed";
    E0609 CannotPool: "a loss cannot be put together from shards";
    E0610 BadShard: "shards do not fit together";

    E0701 UnknownModule: "a module does not exist or is not in use";
    E0702 BadPath: "the path of a module cannot be used";
    E0703 ModuleCycle: "files use each other in a circle";
    E0704 NotInModule: "an item does not belong in a module";
    E0705 Private: "a name is private to its file";
    E0706 TooManyModules: "a spec uses too many files";

    W0201 LogOfProbs = "log_of_probs": "the logarithm of probabilities loses precision";
    W0202 Unused = "unused": "something is declared and never used";
    W0203 MayBeZero = "may_be_zero": "a quotient, logarithm, root or power of something that can be 0";
    W0204 ConstantTerm = "constant_term": "a term has no gradient";
    W0205 CancelledWeight = "cancelled_weight": "a factor cancels";
    W0206 EqualTerms = "equal_terms": "two terms are the same value";
    W0207 ZeroWeights = "zero_weights": "weights add up to 0";
    W0208 UselessAllow = "useless_allow": "an `allow` silences nothing";
}
