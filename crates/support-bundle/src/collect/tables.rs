//! Objects as a table, as people know them from kubectl. Pure.

use serde_json::Value;

type Row = fn(&Value) -> Vec<String>;

/// A table with a head; sorted as it came, events by their time.
pub(super) fn table(plural: &str, objects: &[Value]) -> String {
    let (head, row): (&[&str], Row) = match plural {
        "pods" => (
            &[
                "NAMESPACE",
                "NAME",
                "READY",
                "STATUS",
                "RESTARTS",
                "CREATED",
                "IP",
                "NODE",
            ],
            pod,
        ),
        "nodes" => (
            &["NAME", "STATUS", "VERSION", "INTERNAL-IP", "OS-IMAGE", "KERNEL"],
            node,
        ),
        "events" => (&["LAST", "TYPE", "REASON", "COUNT", "OBJECT", "MESSAGE"], event),
        "deployments" | "statefulsets" => (&["NAMESPACE", "NAME", "READY", "WANTED", "CREATED"], workload),
        "jobs" => (&["NAMESPACE", "NAME", "SUCCEEDED", "FAILED", "CREATED"], job),
        "persistentvolumeclaims" => (&["NAMESPACE", "NAME", "STATUS", "VOLUME", "CLASS"], claim),
        _ => (&["NAMESPACE", "NAME", "CREATED"], plain),
    };
    let mut rows: Vec<_> = objects.iter().map(row).collect();
    if plural == "events" {
        rows.sort();
    }
    rows.insert(0, head.iter().map(ToString::to_string).collect());
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('\n', " "),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

fn at(object: &Value, path: &str) -> String {
    text(object.pointer(path).unwrap_or(&Value::Null))
}

fn named(object: &Value) -> Vec<String> {
    vec![at(object, "/metadata/namespace"), at(object, "/metadata/name")]
}

fn with(object: &Value, paths: &[&str]) -> Vec<String> {
    let mut row = named(object);
    row.extend(paths.iter().map(|path| at(object, path)));
    row
}

fn plain(object: &Value) -> Vec<String> {
    with(object, &["/metadata/creationTimestamp"])
}

fn workload(object: &Value) -> Vec<String> {
    with(
        object,
        &[
            "/status/readyReplicas",
            "/spec/replicas",
            "/metadata/creationTimestamp",
        ],
    )
}

fn job(object: &Value) -> Vec<String> {
    with(
        object,
        &[
            "/status/succeeded",
            "/status/failed",
            "/metadata/creationTimestamp",
        ],
    )
}

fn claim(object: &Value) -> Vec<String> {
    with(
        object,
        &["/status/phase", "/spec/volumeName", "/spec/storageClassName"],
    )
}

fn pod(object: &Value) -> Vec<String> {
    let states = object["status"]["containerStatuses"].as_array();
    let states: Vec<_> = states.into_iter().flatten().collect();
    let ready = states.iter().filter(|state| state["ready"] == true).count();
    let restarts: u64 = states
        .iter()
        .filter_map(|state| state["restartCount"].as_u64())
        .sum();
    let waiting = states
        .iter()
        .find_map(|state| state.pointer("/state/waiting/reason"));
    let mut row = named(object);
    row.push(format!("{ready}/{}", states.len()));
    row.push(waiting.map_or_else(|| at(object, "/status/phase"), text));
    row.push(restarts.to_string());
    row.extend(
        ["/metadata/creationTimestamp", "/status/podIP", "/spec/nodeName"].map(|path| at(object, path)),
    );
    row
}

fn node(object: &Value) -> Vec<String> {
    let conditions = object["status"]["conditions"].as_array();
    let bad: Vec<_> = conditions
        .into_iter()
        .flatten()
        .filter(|is| (is["type"] == "Ready") != (is["status"] == "True"))
        .map(|is| text(&is["type"]))
        .collect();
    let status = if bad.is_empty() {
        "Ready".to_owned()
    } else {
        format!("not as it should be: {}", bad.join(","))
    };
    let addresses = object["status"]["addresses"].as_array();
    let address = addresses
        .into_iter()
        .flatten()
        .find(|one| one["type"] == "InternalIP");
    vec![
        at(object, "/metadata/name"),
        status,
        at(object, "/status/nodeInfo/kubeletVersion"),
        address.map_or_else(|| "-".to_owned(), |one| text(&one["address"])),
        at(object, "/status/nodeInfo/osImage"),
        at(object, "/status/nodeInfo/kernelVersion"),
    ]
}

fn event(object: &Value) -> Vec<String> {
    let last = ["/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
        .into_iter()
        .find_map(|path| object.pointer(path).filter(|value| !value.is_null()));
    let about = format!(
        "{}/{}/{}",
        at(object, "/involvedObject/kind"),
        at(object, "/involvedObject/namespace"),
        at(object, "/involvedObject/name")
    );
    vec![
        last.map_or_else(|| "-".to_owned(), text),
        at(object, "/type"),
        at(object, "/reason"),
        at(object, "/count"),
        about,
        at(object, "/message"),
    ]
}
