//! Editors and shells that people have in a web page or on another machine.

use super::{Fact, Readings, Surroundings, exists, is_set};

/// Places whose terminal is in a web page, by the variables that they set.
const WEB_WORKSPACES: &[(&str, Option<&str>, &str)] = &[
    ("CODESPACES", None, "GitHub Codespaces"),
    ("GITPOD_WORKSPACE_ID", None, "Gitpod"),
    ("ONA_ENVIRONMENT_ID", None, "Gitpod (Ona)"),
    ("AWS_EXECUTION_ENV", Some("CloudShell"), "AWS CloudShell"),
    ("GOOGLE_CLOUD_SHELL", None, "Google Cloud Shell"),
    ("CLOUD_SHELL", None, "Google Cloud Shell"),
    ("ACC_CLOUD", None, "Azure Cloud Shell"),
    ("AZUREPS_HOST_ENVIRONMENT", None, "Azure Cloud Shell"),
    ("C9_PROJECT", None, "AWS Cloud9"),
    ("C9_USER", None, "AWS Cloud9"),
    ("C9_PID", None, "AWS Cloud9"),
    ("SAGEMAKER_SPACE_NAME", None, "SageMaker Studio"),
    ("SAGEMAKER_APP_TYPE_LOWERCASE", None, "SageMaker Studio"),
    ("SAGEMAKER_APP_TYPE", None, "SageMaker Studio"),
    ("CODE_SERVER_SESSION_SOCKET", None, "code-server"),
    ("VSCODE_PROXY_URI", None, "code-server"),
];

const SAGEMAKER: &str = "/opt/ml/metadata/resource-metadata.json";

impl Surroundings {
    pub(super) fn editors(&mut self, readings: &Readings) {
        let workspace = WEB_WORKSPACES.iter().find(|(variable, value, _)| {
            readings.variable(variable).is_some_and(|found| value.is_none_or(|value| found == value))
        });
        let browser = readings.variable("BROWSER").unwrap_or_default();
        let parent = |word: &str| readings.parents.iter().find(|name| name.contains(word));
        if let Some((variable, _, name)) = workspace {
            return self.add(Fact::WebWorkspace(name), is_set(variable));
        }
        if readings.files.contains(SAGEMAKER) {
            return self.add(Fact::WebWorkspace("SageMaker Studio"), exists(SAGEMAKER));
        }
        if browser.contains("/code-server/") || parent("code-server").is_some() {
            return self.add(Fact::WebWorkspace("code-server"), "code-server started this terminal");
        }
        if browser.contains("/cli/serve-web/") {
            return self
                .add(Fact::WebWorkspace("VS Code in a page"), "BROWSER is a helper of `code serve-web`");
        }
        if readings.variable("REMOTE_DEV_TRUST_PROJECTS").is_some() {
            self.add(Fact::JetBrainsGateway, is_set("REMOTE_DEV_TRUST_PROJECTS"));
        } else if parent("/RemoteDev/").is_some() || parent("remote-dev-serv").is_some() {
            self.add(Fact::JetBrainsGateway, "a remote development server is above this process");
        }
        self.vs_code(readings, browser);
    }

    /// An editor with its window on another machine lends its browser through a helper, which needs the editor's socket.
    fn vs_code(&mut self, readings: &Readings, browser: &str) {
        let container =
            ["REMOTE_CONTAINERS", "DEVCONTAINER"].into_iter().find(|name| readings.variable(name).is_some());
        if let Some(variable) = container {
            self.add(Fact::DevContainer, is_set(variable));
        }
        let Some(hook) = readings.variable("VSCODE_IPC_HOOK_CLI") else { return };
        if !readings.files.contains(hook) {
            let evidence = "VSCODE_IPC_HOOK_CLI is set, but its socket is not there";
            return self.add(Fact::StaleEditor, evidence);
        }
        // The server of a remote window lies in ~/.vscode-server; what a tunnel started lies in the command's own folder.
        let is_tunnel = readings.parents.iter().any(|name| name.contains("code-tunnel"))
            || (browser.contains("/cli/servers/") && !browser.contains("-server/cli/"));
        if is_tunnel {
            return self.add(Fact::EditorTunnel, "a tunnel of VS Code started this terminal");
        }
        self.add(Fact::RemoteEditor, is_set("VSCODE_IPC_HOOK_CLI"));
        if browser.contains("/helpers/browser") {
            self.add(Fact::Forwarding, "BROWSER is the editor's helper");
        }
    }
}
