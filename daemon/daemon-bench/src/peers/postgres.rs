//! `PostgreSQL` with the settings that its initdb makes: every commit is flushed before it is acknowledged.

use super::{Places, version};
use crate::program::Program;
use crate::request::Target;
use crate::side::{Server, Side, free_port};
use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Tables of a document and its outbox.
pub(crate) const OUTBOX: &str = include_str!("postgres_outbox.sql");
/// The contract of the plugin `gl`.
pub(crate) const LEDGER: &str = include_str!("postgres_ledger.sql");

/// Answers a posting request: the id of its event and its payload in, the reply with its topic out.
pub(crate) const POST: &str = "SELECT post($1::text, $2::text::jsonb)::text";
/// Opens the books of an entity: its name, functional currency, currencies, accounts and months.
pub(crate) const OPEN: &str =
    "SELECT open_books($1::text, $2::text, $3::text::jsonb, $4::text::jsonb, $5::text::jsonb)";

/// Where Debian puts the programs of version 15, which are not on PATH.
const DEBIAN: &str = "/usr/lib/postgresql/15/bin";

pub(crate) fn find(places: &Places) -> Option<Side> {
    let debian = Path::new(DEBIAN).join("initdb");
    let initdb = debian.is_file().then_some(debian).or_else(|| places.program("bin/initdb", "initdb"))?;
    let programs = initdb.parent()?.to_path_buf();
    let name = format!("PostgreSQL {}", version(&programs.join("postgres")).ok()?);
    Some(Side { name, start: Box::new(move |home| start(&programs, home)) })
}

fn start(programs: &Path, home: &Path) -> Result<Server> {
    let data = home.join("data");
    if !data.exists() {
        make_cluster(programs, home, &data)?;
    }
    let port = free_port()?;
    let mut command = of_its_owner(&programs.join("postgres"), home)?;
    command.arg("-D").arg(&data).args(["-k", "", "-h", "127.0.0.1", "-p", &port.to_string()]);
    // A pid file that a crash left would be taken for the new server's.
    let pid_file = data.join("postmaster.pid");
    let start = Instant::now();
    // This signal is its crash: no checkpoint is written, and the next start recovers from the log.
    let mut program = Program::start("postgres", command, home, Signal::QUIT)?;
    program.wait(|| says_ready(&pid_file, port).then_some(()))?;
    let ready_after = start.elapsed();
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(port).user("bench").dbname("postgres");
    let target = Target::Sql(Box::new(config));
    Ok(Server { program, _beside: None, judge: target.clone(), target, ready_after })
}

/// The pid file names the port in its fourth line and the state in its last.
fn says_ready(pid_file: &Path, port: u16) -> bool {
    let text = std::fs::read_to_string(pid_file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.get(3) == Some(&port.to_string().as_str()) && lines.last() == Some(&"ready")
}

fn make_cluster(programs: &Path, home: &Path, data: &Path) -> Result<()> {
    let mut command = of_its_owner(&programs.join("initdb"), home)?;
    command.args(["-U", "bench", "--auth=trust", "--locale=C", "--encoding=UTF8", "-D"]).arg(data);
    let output = command.output().context("initdb")?;
    ensure!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// `PostgreSQL` refuses to run as root, so under root it runs as the user that Debian made for it.
fn of_its_owner(program: &Path, home: &Path) -> Result<Command> {
    let mut command = Command::new(program);
    command.current_dir(home);
    if rustix::process::geteuid().is_root() {
        let (user, group) = owner().context("PostgreSQL needs a user postgres or nobody to run as")?;
        std::os::unix::fs::chown(home, Some(user), Some(group))?;
        command.uid(user).gid(group);
    }
    Ok(command)
}

fn owner() -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let ids = |name: &str| {
        let fields: Vec<&str> =
            users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|user| user[0] == name)?;
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    ids("postgres").or_else(|| ids("nobody"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Book;
    use crate::sql::Connection;
    use serde_json::{Value, json};
    use std::path::PathBuf;

    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures");

    /// A peer that judged less would be no peer. The whole stream is in the folder that `TRUNKLINE_LEDGER_DATA` names.
    #[tokio::test]
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    async fn the_contract_in_plpgsql_answers_the_stream_of_good_and_bad_messages_as_gl_must() {
        let Some(side) = find(&Places::default()) else {
            eprintln!("skipped: PostgreSQL 15 is not installed");
            return;
        };
        let whole = std::env::var_os("TRUNKLINE_LEDGER_DATA").map(PathBuf::from);
        let stream =
            whole.as_ref().map_or(Path::new(FIXTURES).join("chaos-cb7.jsonl"), |data| data.join("chaos.jsonl"));
        let data = whole.unwrap_or_else(|| PathBuf::from(FIXTURES));
        let scratch = crate::scratch(None).expect("a folder");
        let server = (side.start)(scratch.path()).expect("PostgreSQL starts");
        let Target::Sql(config) = &server.target else { panic!("PostgreSQL is asked in SQL") };
        let mut connection = Connection::open(config).await.expect("a connection");
        connection.run(LEDGER).await.expect("the contract loads");
        for entity in ["BX42", "CB7"] {
            open(&mut connection, &Book::read(&data.join(entity)).expect("a book")).await;
        }
        let text = std::fs::read_to_string(stream).expect("the stream");
        let messages: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a message")).collect();
        for message in &messages {
            let reply = answer(&mut connection, message).await;
            for (field, wanted) in message["expect"].as_object().expect("what is expected") {
                assert_eq!(&reply[field], wanted, "{field} of the reply {reply} to {message}");
            }
        }
        assert!(messages.len() >= 150, "only {} messages", messages.len());
        let verified = connection.ask("SELECT verify('CB7')::text", &[]).await.expect("a verdict");
        assert!(verified.contains("\"ok\": true"), "{verified}");
    }

    async fn open(connection: &mut Connection, book: &Book) {
        let parts = [json!(book.currencies()), json!(book.accounts), json!(book.months())].map(|part| part.to_string());
        let parameters: Vec<String> = [book.entity.clone(), "USD".to_owned()].into_iter().chain(parts).collect();
        connection.ask(OPEN, &parameters).await.expect("the books are opened");
    }

    async fn answer(connection: &mut Connection, message: &Value) -> Value {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let payload = &message["payload"];
        if message["op"] == "period.close" {
            let parameters = [text(&payload["entity"]), text(&payload["period"])];
            let topic =
                connection.ask("SELECT close_period($1::text, $2::text)", &parameters).await.expect("a closing");
            return json!({"topic": topic});
        }
        let reply = connection.ask(POST, &[text(&message["eventId"]), payload.to_string()]).await.expect("a reply");
        serde_json::from_str(&reply).expect("a reply in JSON")
    }
}
