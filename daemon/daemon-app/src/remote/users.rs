//! `trunkline user create | list | grant | revoke | token | tokens | revoke-token`.

use crate::exit::Failure;
use crate::remote::{Client, Target, segment, text};
use anyhow::anyhow;
use serde_json::{Value, json};
use std::io::Write;

/// Commands about the users of a running daemon's tenants.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user of a tenant.
    Create {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        whose: Whose,
        /// The mail address.
        #[arg(long)]
        email: Option<String>,
        /// A role that the user is to hold; may be given several times.
        #[arg(long, value_name = "ROLE")]
        role: Vec<String>,
    },
    /// List the users of a tenant with their roles and tokens.
    List {
        #[command(flatten)]
        target: Target,
        /// The tenant.
        #[arg(long)]
        tenant: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Give a user roles, at once and for every token that the user has.
    Grant {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        whose: Whose,
        /// The roles.
        #[arg(required = true, value_name = "ROLE")]
        roles: Vec<String>,
    },
    /// Take roles from a user, or end tokens; both at once.
    Revoke {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        whose: Whose,
        /// The roles.
        #[arg(value_name = "ROLE")]
        roles: Vec<String>,
        /// Id of a token that is to end; may be given several times.
        #[arg(long, value_name = "ID", conflicts_with = "all_tokens")]
        id: Vec<String>,
        /// End all tokens of the user in this tenant.
        #[arg(long)]
        all_tokens: bool,
    },
    /// Make a token that holds the roles of its user, and print it this once.
    Token {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        whose: Whose,
        /// How long it is valid.
        #[arg(long, default_value = "90d", value_name = "DURATION")]
        ttl: String,
        /// What it may be used for besides, such as `events:publish`; may be given several times.
        #[arg(long, value_name = "SCOPE")]
        scope: Vec<String>,
    },
    /// List the tokens of a tenant that hold, those of programs and the tenant's first one too.
    Tokens {
        #[command(flatten)]
        target: Target,
        /// The tenant.
        #[arg(long)]
        tenant: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// End a token of a tenant at once, whoever it speaks for.
    RevokeToken {
        #[command(flatten)]
        target: Target,
        /// The tenant.
        #[arg(long)]
        tenant: String,
        /// The token's id, as it was given with the token and as `user tokens` lists it.
        id: String,
    },
}

/// A user of a tenant.
#[derive(Debug, clap::Args)]
pub(crate) struct Whose {
    /// The tenant.
    #[arg(long)]
    tenant: String,
    /// The user's id, as in `actor` of events.
    user: String,
}

impl Whose {
    fn path(&self, what: &str) -> String {
        format!("{}/{}/{what}", users(&self.tenant), segment(&self.user))
    }
}

fn tokens(tenant: &str) -> String {
    format!("/api/_admin/tenants/{}/tokens", segment(tenant))
}

fn users(tenant: &str) -> String {
    format!("/api/_admin/tenants/{}/users", segment(tenant))
}

/// Runs one of them.
pub(crate) fn run(command: UserCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        UserCommand::Create { target, whose, email, role } => {
            let body = json!({"user": whose.user, "email": email, "roles": role});
            user(&Client::of(&target)?.post(&users(&whose.tenant), &body)?, out)
        }
        UserCommand::List { target, tenant, json } => {
            let all = Client::of(&target)?.call("GET", &users(&tenant))?;
            if json {
                return Ok(writeln!(out, "{all:#}")?);
            }
            all.as_array().into_iter().flatten().try_for_each(|one| user(one, out))
        }
        UserCommand::Grant { target, whose, roles } => {
            user(&Client::of(&target)?.post(&whose.path("grant"), &json!({"roles": roles}))?, out)
        }
        UserCommand::Revoke { roles, id, all_tokens: false, .. } if roles.is_empty() && id.is_empty() => {
            Err(Failure::usage(anyhow!("nothing to revoke: name roles, or tokens with --id or --all-tokens")))
        }
        UserCommand::Revoke { target, whose, roles, id, all_tokens } => {
            let body = json!({"roles": roles, "tokens": id, "all_tokens": all_tokens});
            user(&Client::of(&target)?.post(&whose.path("revoke"), &body)?, out)
        }
        UserCommand::Token { target, whose, ttl, scope } => {
            let body = json!({"ttl": ttl, "scopes": scope});
            let issued = Client::of(&target)?.post(&whose.path("tokens"), &body)?;
            // The token alone goes to standard output, where a script takes it from.
            writeln!(std::io::stderr(), "token {} of {}; it is shown this once", text(&issued, "id"), whose.user)?;
            Ok(writeln!(out, "{}", text(&issued, "token"))?)
        }
        UserCommand::Tokens { target, tenant, json } => {
            let all = Client::of(&target)?.call("GET", &tokens(&tenant))?;
            if json {
                return Ok(writeln!(out, "{all:#}")?);
            }
            all.as_array().into_iter().flatten().try_for_each(|one| token(one, out))
        }
        UserCommand::RevokeToken { target, tenant, id } => {
            let path = format!("{}/{}/revoke", tokens(&tenant), segment(&id));
            let ended = Client::of(&target)?.post(&path, &json!({}))?;
            Ok(writeln!(out, "token {} is revoked", text(&ended, "id"))?)
        }
    }
}

/// A token with whom it speaks for and what it may.
fn token(one: &Value, out: &mut dyn Write) -> Result<(), Failure> {
    let names = |field: &str| one[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    let roles = match (one["follows"].as_bool(), names("roles")) {
        (Some(true), _) => "the roles of its user".to_owned(),
        (_, roles) if roles.is_empty() => "no roles".to_owned(),
        (_, roles) => roles.join(", "),
    };
    let scopes = [vec![""], names("scopes")].concat().join("  ");
    let until = contract_model::event::rfc3339(one["expires_ms"].as_u64().unwrap_or(0));
    Ok(writeln!(out, "{}  {}  {roles}{scopes}  until {until}", text(one, "id"), text(one, "user"))?)
}

/// A user, and beneath a line for each token.
fn user(one: &Value, out: &mut dyn Write) -> Result<(), Failure> {
    let roles: Vec<&str> = one["roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let roles = if roles.is_empty() { "no roles".to_owned() } else { roles.join(", ") };
    let email = one["email"].as_str().map_or(String::new(), |email| format!("  {email}"));
    writeln!(out, "{}{email}  {roles}", text(one, "user"))?;
    for token in one["tokens"].as_array().into_iter().flatten() {
        let until = contract_model::event::rfc3339(token["expires_ms"].as_u64().unwrap_or(0));
        writeln!(out, "  token {}  until {until}", text(token, "id"))?;
    }
    Ok(())
}
