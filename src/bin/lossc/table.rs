//! Columns of text.

/// Rows with their columns side by side, indented, two spaces between columns; the last column is
/// as long as it is. Columns that are empty in every row take no space.
pub fn columns(rows: &[Vec<String>], indent: usize) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (cell, width) in row.iter().zip(&widths) {
            if *width > 0 {
                line.push_str(cell);
                let gap = width - cell.chars().count() + 2;
                line.push_str(&" ".repeat(gap));
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
