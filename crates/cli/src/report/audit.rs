//! Audit events: one line each, for people or as the JSON that they are.

use serde_json::Value;
use wire::words::printable;

use super::words::{Color, Style};

/// One event.
pub(crate) fn event(event: &Value, style: Style) -> String {
    if style.json {
        return format!("{event}\n");
    }
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
    let outcome = match event.pointer("/errorCode").and_then(Value::as_str) {
        Some(code) => style.paint(Color::Red, &printable(code, 64)),
        None => "ok".to_owned(),
    };
    let by = match event.pointer("/userIdentity/uid") {
        Some(uid) => format!(" (decided by user {uid} of the machine)"),
        None => String::new(),
    };
    let role = match event.pointer("/serviceEventDetails") {
        Some(details) => {
            let of = |key: &str| details[key].as_str().unwrap_or("-").to_owned();
            format!(" {} {}", of("account_id"), of("role_name"))
        }
        None => String::new(),
    };
    let line = format!(
        "{} {:<25} {:<10} {:<15} {outcome}{role}{by} [{}]",
        text("/eventTime"),
        text("/eventName"),
        text("/additionalEventData/UserName"),
        text("/sourceIPAddress"),
        text("/additionalEventData/AuthWorkflowID").split('-').next().unwrap_or("-"),
    );
    // The records are cleaned where they are made; a line is one line whatever happened there.
    format!("{}\n", line.replace(['\n', '\r'], " "))
}
