//! Writes that name the version they were made from, made again when somebody else wrote in between.

/// How often one is made, at most.
const TRIES: u32 = 5;

/// Runs `once`, which reads anew each time, until it succeeds or fails otherwise than by a conflict.
pub(super) async fn again<T, E>(
    is_conflict: impl Fn(&E) -> bool,
    once: impl AsyncFn() -> Result<T, E>,
) -> Result<T, E> {
    for _ in 1..TRIES {
        match once().await {
            Err(error) if is_conflict(&error) => {}
            other => return other,
        }
    }
    once().await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn only_a_conflict_is_tried_again_and_not_for_ever() {
        let tried = async |conflicts: u32, end: Result<(), &'static str>| {
            let count = Cell::new(0);
            let once = async || {
                count.set(count.get() + 1);
                if count.get() <= conflicts {
                    Err("conflict")
                } else {
                    end
                }
            };
            (again(|error| *error == "conflict", once).await, count.get())
        };
        assert_eq!(tried(0, Ok(())).await, (Ok(()), 1));
        assert_eq!(tried(2, Ok(())).await, (Ok(()), 3));
        assert_eq!(tried(1, Err("refused")).await, (Err("refused"), 2));
        assert_eq!(tried(9, Ok(())).await, (Err("conflict"), TRIES));
    }
}
