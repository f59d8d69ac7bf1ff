//! The word that was probably meant.

/// `: did you mean NAME?`, or nothing where no name is near.
pub(crate) fn did_you_mean<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near = names.map(|known| (distance(name, known), known)).min();
    match near {
        Some((distance, known)) if distance <= known.len().div_ceil(4) => format!(": did you mean {known}?"),
        _ => String::new(),
    }
}

/// Letters to put in, take out or exchange to come from one word to the other; their case costs nothing.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, sign) in from.chars().enumerate() {
        let mut next = vec![index + 1];
        for ((other, corner), above) in to.iter().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or_default();
            let exchange = corner + usize::from(!sign.eq_ignore_ascii_case(other));
            next.push(exchange.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("PERM", "perm"), 0);
    }

    #[test]
    fn only_what_is_near_is_meant() {
        let names = ["read_queues", "permission"];
        assert_eq!(did_you_mean("read_queue", names.into_iter()), ": did you mean read_queues?");
        assert_eq!(did_you_mean("colour", names.into_iter()), "");
    }
}
