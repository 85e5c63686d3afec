//! The systems that run jobs with nobody there, how each is recognised, and what a job needs there instead of a sign-in.

/// A system that runs jobs.
#[derive(Debug, PartialEq, Eq)]
pub struct Ci {
    /// Its name.
    pub name: &'static str,
    /// The variables that it sets, all of them; the first is the evidence.
    variables: &'static [&'static str],
    /// What the first must hold, where others set it, too.
    value: Option<&'static str>,
    /// How a job there gets role credentials without a person, one step a line.
    pub settings: &'static [&'static str],
}

const NO_TOKEN: &str = "this system gives its jobs no web-identity token that we know of";
const PROVIDER: &str =
    "in IAM: an OpenID Connect provider for the issuer of that token, and a role that trusts it";
const VARIABLES: &str = "in the job: AWS_ROLE_ARN=<role>, AWS_WEB_IDENTITY_TOKEN_FILE=<file with the token>, AWS_ROLE_SESSION_NAME=<name>";

/// More specific ones first: some set the variables of another, for the sake of its tools.
const KNOWN: &[Ci] = &[
    Ci {
        name: "Forgejo Actions",
        variables: &["FORGEJO_ACTIONS"],
        value: None,
        settings: &["if it gives jobs a token: write it to a file", PROVIDER, VARIABLES],
    },
    Ci {
        name: "Gitea Actions",
        variables: &["GITEA_ACTIONS"],
        value: None,
        settings: &["if it gives jobs a token: write it to a file", PROVIDER, VARIABLES],
    },
    Ci {
        name: "GitHub Actions",
        variables: &["GITHUB_ACTIONS"],
        value: None,
        settings: &[
            "in the workflow: permissions: { id-token: write, contents: read }",
            "a step `uses: aws-actions/configure-aws-credentials` with role-to-assume and aws-region",
            "or by hand: GET \"$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com\" with the header \"Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN\", its `value` into a file, then AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE",
            "in IAM: the provider https://token.actions.githubusercontent.com with audience sts.amazonaws.com, and a role that trusts it for this repository",
        ],
    },
    Ci {
        name: "GitLab CI",
        variables: &["GITLAB_CI"],
        value: None,
        settings: &[
            "in the job: id_tokens: { AWS_ID_TOKEN: { aud: <address of the GitLab server> } }",
            "its script: printf %s \"$AWS_ID_TOKEN\" > \"$AWS_WEB_IDENTITY_TOKEN_FILE\"",
            VARIABLES,
            "in IAM: the address of the GitLab server as provider and as audience, and a role that trusts it for this project",
        ],
    },
    Ci {
        name: "Bitbucket Pipelines",
        variables: &["BITBUCKET_BUILD_NUMBER"],
        value: None,
        settings: &[
            "in the step: oidc: true",
            "its script: printf %s \"$BITBUCKET_STEP_OIDC_TOKEN\" > \"$AWS_WEB_IDENTITY_TOKEN_FILE\"",
            VARIABLES,
            "in IAM: the provider and the audience that the repository's settings show under OpenID Connect, and a role that trusts them",
        ],
    },
    Ci {
        name: "CircleCI",
        variables: &["CIRCLECI"],
        value: None,
        settings: &[
            "in the job: printf %s \"$CIRCLE_OIDC_TOKEN_V2\" > \"$AWS_WEB_IDENTITY_TOKEN_FILE\" (if it is empty, give the job a context)",
            VARIABLES,
            "in IAM: the provider https://oidc.circleci.com/org/<organisation id> with the organisation id as audience, and a role that trusts it",
        ],
    },
    Ci {
        name: "Buildkite",
        variables: &["BUILDKITE"],
        value: None,
        settings: &[
            "in the step: buildkite-agent oidc request-token --audience sts.amazonaws.com > \"$AWS_WEB_IDENTITY_TOKEN_FILE\"",
            VARIABLES,
            "in IAM: the provider https://agent.buildkite.com with audience sts.amazonaws.com, and a role that trusts it for this pipeline",
        ],
    },
    Ci {
        name: "Azure Pipelines",
        variables: &["TF_BUILD"],
        value: None,
        settings: &[
            "an AWS service connection of the AWS Toolkit for Azure DevOps with `Use OIDC` and the role, used by an AWSShellScript task",
            "or by hand: a token of a service connection into a file, then AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE",
            PROVIDER,
        ],
    },
    Ci {
        name: "AWS CodeBuild",
        variables: &["CODEBUILD_BUILD_ID"],
        value: None,
        settings: &[
            "nothing to set: every AWS tool finds the project's service role by itself, once AWS_PROFILE is not set",
            "give that role what the build needs, or let it assume another one (role_arn with credential_source = EcsContainer)",
        ],
    },
    Ci {
        name: "Travis CI",
        variables: &["TRAVIS"],
        value: None,
        settings: &[NO_TOKEN, "if you have one from elsewhere: write it to a file", PROVIDER, VARIABLES],
    },
    Ci {
        name: "TeamCity",
        variables: &["TEAMCITY_VERSION"],
        value: None,
        settings: &[
            "in the build: the feature `AWS Credentials` with an AWS connection for the role; it sets AWS_SHARED_CREDENTIALS_FILE",
            "or with a token of your own: AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE",
        ],
    },
    Ci {
        name: "Semaphore",
        variables: &["SEMAPHORE"],
        value: None,
        settings: &[
            "in the job: printf %s \"$SEMAPHORE_OIDC_TOKEN\" > \"$AWS_WEB_IDENTITY_TOKEN_FILE\"",
            VARIABLES,
            "in IAM: the address of your Semaphore organisation as provider and as audience, and a role that trusts it",
        ],
    },
    Ci {
        name: "Jenkins",
        variables: &["JENKINS_URL", "BUILD_ID"],
        value: None,
        settings: &[
            "with the plugin OpenID Connect Provider: a credential `OpenID Connect id token as file` with audience sts.amazonaws.com",
            "in the pipeline: withCredentials([file(credentialsId: '<id>', variable: 'AWS_WEB_IDENTITY_TOKEN_FILE')])",
            "and withEnv(['AWS_ROLE_ARN=<role>'])",
            "in IAM: the issuer that the plugin shows as provider, and a role that trusts it",
        ],
    },
    Ci {
        name: "AppVeyor",
        variables: &["APPVEYOR"],
        value: None,
        settings: &[NO_TOKEN, PROVIDER, VARIABLES],
    },
    Ci {
        name: "Cirrus CI",
        variables: &["CIRRUS_CI"],
        value: None,
        settings: &[
            "in the task: printf %s \"$CIRRUS_OIDC_TOKEN\" > \"$AWS_WEB_IDENTITY_TOKEN_FILE\"",
            PROVIDER,
            VARIABLES,
        ],
    },
    Ci {
        name: "Woodpecker CI",
        variables: &["CI"],
        value: Some("woodpecker"),
        settings: &[NO_TOKEN, PROVIDER, VARIABLES],
    },
    Ci {
        name: "Bamboo",
        variables: &["bamboo_buildKey"],
        value: None,
        settings: &[NO_TOKEN, PROVIDER, VARIABLES],
    },
    Ci {
        name: "GoCD",
        variables: &["GO_PIPELINE_NAME"],
        value: None,
        settings: &[NO_TOKEN, PROVIDER, VARIABLES],
    },
    Ci {
        name: "HCP Terraform",
        variables: &["TFC_RUN_ID"],
        value: None,
        settings: &[
            "as variables of the workspace: TFC_AWS_PROVIDER_AUTH=true and TFC_AWS_RUN_ROLE_ARN=<role>, for Terraform's AWS provider",
            "for other tools there: TFC_WORKLOAD_IDENTITY_AUDIENCE=aws.workload.identity, and printf %s \"$TFC_WORKLOAD_IDENTITY_TOKEN\" > \"$AWS_WEB_IDENTITY_TOKEN_FILE\"",
            VARIABLES,
            "in IAM: the provider https://app.terraform.io with audience aws.workload.identity, and a role that trusts it for this workspace",
        ],
    },
    Ci {
        name: "Spacelift",
        variables: &["TF_VAR_spacelift_run_id"],
        value: None,
        settings: &[
            "in the stack: AWS_WEB_IDENTITY_TOKEN_FILE=/mnt/workspace/spacelift.oidc, where its token lies, AWS_ROLE_ARN=<role>, AWS_ROLE_SESSION_NAME=<name>",
            "in IAM: the address of your Spacelift account as provider, and a role that trusts it for this stack",
        ],
    },
    Ci {
        name: "Harness",
        variables: &["HARNESS_BUILD_ID"],
        value: None,
        settings: &[
            "a step of the plugin `plugins/aws-oidc` with iamRoleArn; it gives the steps behind it credentials",
            "or with a token of your own in a file: AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE",
            "in IAM: the provider https://app.harness.io/ng/api/oidc/account/<account id> with audience sts.amazonaws.com, and a role that trusts it",
        ],
    },
    Ci {
        name: "Bitrise",
        variables: &["BITRISE_IO"],
        value: None,
        settings: &[
            "the step `Authenticate with Amazon Web Services (AWS)` with the role; it gives the steps behind it credentials",
            "or the step `Get OIDC Identity Token`, then printf %s \"$BITRISE_IDENTITY_TOKEN\" > \"$AWS_WEB_IDENTITY_TOKEN_FILE\"",
            PROVIDER,
            VARIABLES,
        ],
    },
    Ci {
        name: "Vercel",
        variables: &["VERCEL"],
        value: None,
        settings: &[
            "in the build, where the project has OpenID Connect federation: printf %s \"$VERCEL_OIDC_TOKEN\" > \"$AWS_WEB_IDENTITY_TOKEN_FILE\"",
            VARIABLES,
            "in IAM: the provider https://oidc.vercel.com/<team> with audience https://vercel.com/<team>, and a role that trusts it for this project",
        ],
    },
    Ci { name: "Netlify", variables: &["NETLIFY"], value: None, settings: &[NO_TOKEN, PROVIDER, VARIABLES] },
    Ci { name: "Drone", variables: &["DRONE"], value: None, settings: &[NO_TOKEN, PROVIDER, VARIABLES] },
];

/// What says in a variable that this is no job.
const NOS: &[&str] = &["", "0", "false", "n", "no", "off"];

/// A system that we do not know by name.
static UNNAMED: Ci = Ci {
    name: "a CI system",
    variables: &["CI"],
    value: None,
    settings: &["write the job's OpenID Connect token to a file", PROVIDER, VARIABLES],
};

impl Ci {
    /// Whether it is known by name. Only `CI` being set may also be a person's own doing.
    pub fn is_named(&self) -> bool {
        self != &UNNAMED
    }
}

/// The system that runs this job, with the variable that says so.
pub(crate) fn recognise<'v>(
    variable: impl Fn(&str) -> Option<&'v str>,
) -> Option<(&'static Ci, &'static str)> {
    let is_no = |value: &str| NOS.iter().any(|no| value.trim().eq_ignore_ascii_case(no));
    let is_on = |name: &str| variable(name).filter(|value| !is_no(value));
    let known = KNOWN.iter().find(|ci| {
        let first = ci.variables.first().and_then(|name| variable(name));
        ci.variables.iter().all(|name| is_on(name).is_some())
            && ci.value.is_none_or(|value| first == Some(value))
    });
    if let Some(ci) = known {
        return Some((ci, ci.variables.first()?));
    }
    let name = ["CI", "CONTINUOUS_INTEGRATION"].into_iter().find(|name| is_on(name).is_some())?;
    Some((&UNNAMED, name))
}

/// Every variable that is looked at.
pub(crate) fn variables() -> impl Iterator<Item = &'static str> {
    let of_known = KNOWN.iter().flat_map(|ci| ci.variables.iter().copied());
    of_known.chain(["CI", "CONTINUOUS_INTEGRATION"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(set: &[(&str, &'static str)]) -> Option<&'static str> {
        let variable = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        recognise(variable).map(|(ci, _)| ci.name)
    }

    #[test]
    fn each_is_recognised_by_its_own_variables_even_where_it_sets_those_of_another() {
        assert_eq!(name_of(&[("CI", "true"), ("GITHUB_ACTIONS", "true")]), Some("GitHub Actions"));
        assert_eq!(name_of(&[("GITEA_ACTIONS", "true"), ("GITHUB_ACTIONS", "true")]), Some("Gitea Actions"));
        assert_eq!(name_of(&[("TF_BUILD", "True")]), Some("Azure Pipelines"));
        assert_eq!(name_of(&[("CI", "woodpecker")]), Some("Woodpecker CI"));
        assert_eq!(name_of(&[("CONTINUOUS_INTEGRATION", "1")]), Some("a CI system"));
    }

    #[test]
    fn a_variable_that_says_no_or_that_a_person_may_set_is_no_ci() {
        assert_eq!(name_of(&[("CI", "false")]), None);
        for no in ["no", "n", "off", "FALSE", "False", "No", "OFF", "0", ""] {
            assert_eq!(name_of(&[("CI", no), ("GITLAB_CI", no)]), None, "{no}");
        }
        assert_eq!(name_of(&[("JENKINS_URL", "https://ci.example.com/")]), None, "for its command line");
    }

    #[test]
    fn each_says_what_to_set() {
        for ci in KNOWN.iter().chain([&UNNAMED]) {
            let all = ci.settings.join("\n");
            assert!(ci.name == "AWS CodeBuild" || all.contains("AWS_ROLE_ARN"), "{}", ci.name);
            assert!(ci.name == "AWS CodeBuild" || all.contains("AWS_WEB_IDENTITY_TOKEN_FILE"), "{}", ci.name);
        }
    }
}
