//! Paths of modules: relative to the file that uses them, within the root, with `/` between names.

/// Why a path is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wrong {
    /// Nothing, or an empty name between two `/`.
    Empty,
    /// `\` between names.
    Backslash,
    /// It starts at the root of a file system, or names a drive or a protocol.
    Absolute,
    /// `..` leads above the root.
    Outside,
    /// It does not end in `.loss`.
    Extension,
}

/// The path from the root, without `.` and `..`, of a file that the file `from` calls `path`.
pub(super) fn resolve(from: &str, path: &str) -> Result<String, Wrong> {
    if path.trim().is_empty() {
        return Err(Wrong::Empty);
    }
    if path.contains('\\') {
        return Err(Wrong::Backslash);
    }
    if path.starts_with('/') || path.contains(':') {
        return Err(Wrong::Absolute);
    }
    let mut names: Vec<&str> = from.split('/').collect();
    names.pop();
    for name in path.split('/') {
        match name {
            "" => return Err(Wrong::Empty),
            "." => {}
            ".." if names.pop().is_none() => return Err(Wrong::Outside),
            ".." => {}
            name => names.push(name),
        }
    }
    match path.strip_suffix(".loss") {
        Some(rest) if !rest.is_empty() && !rest.ends_with('/') => Ok(names.join("/")),
        _ => Err(Wrong::Extension),
    }
}

/// The name of a file without its folder and its ending.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".loss").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_at_the_file_and_stay_below_the_root() {
        let ok = |from, path| resolve(from, path).expect("a path");
        assert_eq!(ok("", "a.loss"), "a.loss");
        assert_eq!(ok("main.loss", "./a.loss"), "a.loss");
        assert_eq!(ok("x/y/main.loss", "../b/a.loss"), "x/b/a.loss");
        assert_eq!(ok("x/y/main.loss", "../../a.loss"), "a.loss");
        assert_eq!(ok("x/main.loss", "../x/./a.loss"), "x/a.loss");
        for (from, path, wrong) in [
            ("", "", Wrong::Empty),
            ("", " ", Wrong::Empty),
            ("", "a//b.loss", Wrong::Empty),
            ("", "a.loss/", Wrong::Empty),
            ("", "a\\b.loss", Wrong::Backslash),
            ("", "/etc/a.loss", Wrong::Absolute),
            ("", "c:/a.loss", Wrong::Absolute),
            ("", "https://x/a.loss", Wrong::Absolute),
            ("", "../a.loss", Wrong::Outside),
            ("x/main.loss", "../../a.loss", Wrong::Outside),
            ("x/main.loss", "../../x/a.loss", Wrong::Outside),
            ("", "a", Wrong::Extension),
            ("", "a.txt", Wrong::Extension),
            ("", "x/.loss", Wrong::Extension),
            ("", "..", Wrong::Outside),
        ] {
            assert_eq!(resolve(from, path), Err(wrong), "{path} from {from}");
        }
        assert_eq!(stem("x/common.loss"), "common");
    }
}
