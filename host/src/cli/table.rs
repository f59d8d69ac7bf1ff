//! Rows in aligned columns.

use std::io;

use super::terminal::{Terminal, Tone};

/// Between two columns.
const GAP: &str = "   ";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(crate) fn toned(text: impl ToString, tone: Tone) -> Self {
        Self { text: printable(&text.to_string()), tone }
    }
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

pub(crate) struct Table {
    titles: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(titles: &[&str]) -> Self {
        Self { titles: titles.iter().map(|title| title.to_uppercase()).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A column without anything in it is left out.
    pub(crate) fn print(&self, indent: &str, terminal: &mut Terminal) -> io::Result<()> {
        let widths = self.widths();
        let titles: Vec<Cell> = self.titles.iter().map(Cell::from).collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            let mut line = indent.to_owned();
            for (cell, width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
                line += &terminal.paint(cell.tone, &cell.text);
                line += &" ".repeat(width.saturating_sub(cell.text.chars().count()));
                line += GAP;
            }
            terminal.line(line.trim_end())?;
        }
        Ok(())
    }

    /// 0 where every cell of the column is empty.
    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.titles.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.chars().count());
            }
        }
        for (width, title) in widths.iter_mut().zip(&self.titles) {
            if *width > 0 || self.rows.is_empty() {
                *width = (*width).max(title.chars().count());
            }
        }
        widths
    }
}

/// What a cluster holds may hold anything: control characters would move the cursor of whoever reads it.
pub(crate) fn printable(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(table: &Table, colours: bool) -> String {
        let (terminal, stdout, _) = Terminal::recorded("");
        let mut terminal = if colours { terminal.with_colours() } else { terminal };
        table.print("", &mut terminal).unwrap();
        terminal.flush().unwrap();
        stdout.text()
    }

    fn topics() -> Table {
        let mut table = Table::new(&["name", "at", "status", "partitions"]);
        table.row(vec!["pay.events".into(), "".into(), Cell::toned("synced", Tone::Good), 12.into()]);
        table.row(vec!["straße\x1b[2J".into(), "".into(), Cell::toned("drifted", Tone::Waiting), 3.into()]);
        table
    }

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        insta::assert_snapshot!(printed(&topics(), false), @"
            NAME         STATUS    PARTITIONS
            pay.events   synced    12
            straße�[2J   drifted   3
            ");
    }

    #[test]
    fn colours_do_not_move_the_columns() {
        let plain: String =
            printed(&topics(), true).replace("\x1b[32m", "").replace("\x1b[33m", "").replace("\x1b[0m", "");
        assert_eq!(plain, printed(&topics(), false));
        assert_ne!(plain, printed(&topics(), true));
    }
}
