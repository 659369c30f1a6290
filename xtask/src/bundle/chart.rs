//! Helm charts in directories: read, packed as `helm package` does, but reproducibly.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use super::pack::{Archive, archive};
use super::{Files, read_tree};

/// A chart's sources.
#[derive(Debug, Clone)]
pub struct Chart {
    /// `Chart.yaml`.
    pub metadata: Value,
    /// `values.yaml`; null when the chart has none.
    pub values: Value,
    files: Files,
}

impl Chart {
    /// Reads the chart in `dir`.
    ///
    /// # Errors
    /// A directory that is not a chart, a name in `Chart.yaml` that is not the directory's.
    pub fn load(dir: &Path) -> Result<Self> {
        let files = read_tree(dir, &["."])?;
        let yaml = |name: &str| -> Result<Option<Value>> {
            let parse =
                |text: &String| serde_saphyr::from_str(text).with_context(|| format!("parsing {name}"));
            files.get(name).map(parse).transpose()
        };
        let metadata = yaml("Chart.yaml")?.ok_or_else(|| anyhow!("it has no Chart.yaml"))?;
        let values = yaml("values.yaml")?.unwrap_or_default();
        let chart = Self {
            metadata,
            values,
            files,
        };
        let (name, dir_name) = (chart.name()?, dir.file_name().unwrap_or_default());
        ensure!(
            dir_name == name,
            "Chart.yaml names it {name:?}: rename the directory or the chart"
        );
        chart.version()?;
        Ok(chart)
    }

    /// Its name.
    ///
    /// # Errors
    /// `Chart.yaml` has none.
    pub fn name(&self) -> Result<&str> {
        self.text("name")
    }

    /// Its version.
    ///
    /// # Errors
    /// `Chart.yaml` has none.
    pub fn version(&self) -> Result<&str> {
        self.text("version")
    }

    /// The archive that Helm pulls: everything below a directory of the chart's name.
    ///
    /// # Errors
    /// A path that tar cannot hold.
    pub fn pack(&self, epoch: u64) -> Result<Archive> {
        let name = self.name()?;
        let inside: Vec<_> = self
            .files
            .iter()
            .map(|(path, text)| (format!("{name}/{path}"), text))
            .collect();
        archive(
            inside.iter().map(|(path, text)| (path.as_str(), text.as_str())),
            epoch,
        )
    }

    fn text(&self, key: &str) -> Result<&str> {
        let text = self.metadata.get(key).and_then(Value::as_str);
        text.ok_or_else(|| anyhow!("Chart.yaml has no text {key:?}"))
    }
}

/// The charts in the directories of `dir`, by name.
///
/// # Errors
/// As [`Chart::load`], naming the chart.
pub fn load_all(dir: &Path) -> Result<BTreeMap<String, Chart>> {
    let mut charts = BTreeMap::new();
    for entry in fs::read_dir(dir).with_context(|| format!("reading the charts in {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            let chart = Chart::load(&path).with_context(|| format!("the chart {}", path.display()))?;
            charts.insert(chart.name()?.to_owned(), chart);
        }
    }
    ensure!(!charts.is_empty(), "no charts in {}", dir.display());
    Ok(charts)
}
