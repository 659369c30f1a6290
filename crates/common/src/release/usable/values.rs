//! The values files of a release.

use std::fmt;

use serde_json::{Map, Value};

use super::{ProfileName, ProfileValues, UseError, UseStep};
use crate::names::SERVICES;

/// Largest values file.
const MAX_FILE: usize = 256 * 1024;
/// Largest sum of all values files: they become `ConfigMaps`, whose limit is 1 MiB.
const MAX_TOTAL: usize = 900 * 1024;

/// The files of the six services, in their order.
pub(super) fn read(
    values: &Map<String, Value>,
    profile: &ProfileName,
) -> Result<Vec<ProfileValues>, UseError> {
    check_sizes(values)?;
    SERVICES
        .iter()
        .map(|service| {
            let file = format!("{service}.{profile}.yaml");
            let yaml = match values.get(&file) {
                None => return Err(refused(&file, "is missing")),
                Some(Value::String(yaml)) => yaml.clone(),
                Some(_) => return Err(refused(&file, "is not a string")),
            };
            match parse_values(&yaml) {
                Ok(Value::Object(_)) => Ok(ProfileValues { service, file, yaml }),
                Ok(_) => Err(refused(&file, "is YAML, but not a mapping")),
                Err(error) => Err(refused(
                    &file,
                    format_args!("is not YAML: {}", first_line(&error)),
                )),
            }
        })
        .collect()
}

/// A values file as the charts read it: a number that is too large to be one is a text, such as the
/// tag `12e4567`.
///
/// # Errors
/// What the parser says of a text that is not YAML.
pub fn parse_values(yaml: &str) -> Result<Value, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
    };
    serde_saphyr::from_str_with_options(yaml, options)
}

fn check_sizes(values: &Map<String, Value>) -> Result<(), UseError> {
    let mut total = 0;
    for (file, value) in values {
        let size = value.as_str().map_or(0, str::len);
        if size > MAX_FILE {
            return Err(refused(
                file,
                format_args!("has {size} bytes, more than {MAX_FILE}"),
            ));
        }
        total += size;
    }
    if total > MAX_TOTAL {
        return Err(UseError {
            step: UseStep::RenderRuntimeValues,
            path: "profileValues".to_owned(),
            problem: format!("has {total} bytes, more than {MAX_TOTAL}"),
        });
    }
    Ok(())
}

fn refused(file: &str, problem: impl fmt::Display) -> UseError {
    UseError {
        step: UseStep::RenderRuntimeValues,
        path: format!("profileValues[{file:?}]"),
        problem: problem.to_string(),
    }
}

/// The parser's own text goes on with an excerpt of the file, which does not belong in a message.
fn first_line(error: &serde_saphyr::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
