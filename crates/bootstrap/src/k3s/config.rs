//! What k3s reads of ours beside its unit. Pure.
//!
//! <https://docs.k3s.io/installation/configuration#configuration-file>

use appliance_common::host::k3s::STORAGE_DROP_IN_TEXT;

/// One drop-in of `config.yaml.d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: &'static str,
    pub(super) text: String,
    /// Written when it is absent, and then left alone.
    pub(super) only_first: bool,
}

/// All of them. The node keeps the name it had at its first boot: under another it would be another node, and the
/// volumes of the first would wait for it for ever (50 W30).
pub(super) fn files(hostname: &str) -> Vec<Wanted> {
    let mut files = vec![Wanted {
        name: "20-alga-local-storage.yaml",
        text: STORAGE_DROP_IN_TEXT.to_owned(),
        only_first: false,
    }];
    let is_name = |name: &str| {
        (1..=63).contains(&name.len())
            && name.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
            })
    };
    let name = hostname.to_ascii_lowercase();
    if is_name(&name) {
        files.push(Wanted {
            name: "10-alga-node.yaml",
            text: format!("node-name: {name}\n"),
            only_first: true,
        });
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nodes_name_is_pinned_once_and_a_name_that_is_none_is_not() {
        let files_of = files("Box-7");
        assert!(
            files_of
                .iter()
                .any(|file| file.text == "node-name: box-7\n" && file.only_first)
        );
        assert_eq!(files("").len(), 1);
        assert_eq!(files("a b: c").len(), 1);
        assert_eq!(files("x")[0].text, STORAGE_DROP_IN_TEXT);
    }
}
