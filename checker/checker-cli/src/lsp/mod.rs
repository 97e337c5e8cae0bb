//! `lsp`: the checker in an editor.
//!
//! One thread reads messages, this one answers them in their order. Findings are published when the editor has said
//! all it has to say for the moment, so that typing fast is checked once, and before anything is answered.
//!
//! Reading order: `text` translates places, `workspace` holds suites and unsaved texts, `findings` are what is
//! published, `answers` what is asked for.

mod answers;
mod findings;
mod suite;
mod text;
mod workspace;

use crate::exit::Exit;
use crate::io::Io;
use lsp_server::{ErrorCode, Message, Notification, Request, Response};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use workspace::Workspace;

/// Arguments of `lsp`.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Speaks the Language Server Protocol over standard input and output. The suite of a file is the nearest folder above it
that holds a suite.yaml, else the folder around its plugin.

Examples:
  vim.lsp.start({cmd = {'trunkline', 'lsp'}, root_dir = vim.fn.getcwd()})     in Neovim")]
pub struct LspArgs {
    /// The suite's folder, for all files; found from each file if not given
    #[arg(value_name = "SUITE")]
    suite: Option<PathBuf>,
    /// Count what cannot be proved as an error
    #[arg(long)]
    strict: bool,
    /// Taken for editors that name the channel; there is no other
    #[arg(long, hide = true)]
    stdio: bool,
}

pub(crate) fn run(args: &LspArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let (send, messages) = channel();
    // A read cannot be interrupted, so the thread is left to the end of the process.
    std::thread::spawn(move || {
        let mut input = BufReader::new(std::io::stdin());
        while let Ok(Some(message)) = Message::read(&mut input) {
            if send.send(message).is_err() {
                return;
            }
        }
    });
    let suite = args.suite.as_ref().map(|suite| suite.canonicalize()).transpose()?;
    let mut server = Server { workspace: Workspace::new(suite, args.strict), ending: false, io };
    server.serve(&messages)
}

struct Server<'s, 'io> {
    workspace: Workspace,
    /// Whether the editor has asked to shut down.
    ending: bool,
    io: &'s mut Io<'io>,
}

impl Server<'_, '_> {
    fn serve(&mut self, messages: &Receiver<Message>) -> anyhow::Result<Exit> {
        loop {
            let message = match messages.try_recv() {
                Ok(message) => message,
                Err(TryRecvError::Disconnected) => return Ok(Exit::Clean),
                Err(TryRecvError::Empty) => {
                    self.publish()?;
                    let Ok(message) = messages.recv() else { return Ok(Exit::Clean) };
                    message
                }
            };
            match message {
                Message::Request(request) => {
                    // An answer is about the texts as they are now.
                    self.publish()?;
                    let response = self.answer(&request);
                    self.send(&Message::Response(response))?;
                }
                // The protocol wants a failure where nobody asked to shut down.
                Message::Notification(note) if note.method == "exit" => {
                    return Ok(if self.ending { Exit::Clean } else { Exit::Findings });
                }
                Message::Notification(note) => self.hear(note),
                Message::Response(_) => {}
            }
        }
    }

    fn answer(&mut self, request: &Request) -> Response {
        let Request { id, method, params } = request;
        let workspace = &mut self.workspace;
        let answer = match method.as_str() {
            "initialize" => Ok(capabilities()),
            "shutdown" => {
                self.ending = true;
                Ok(Value::Null)
            }
            "textDocument/hover" => asked(params, |at| answers::hover(workspace, at)),
            "textDocument/definition" => asked(params, |at| answers::definition(workspace, at)),
            "textDocument/references" => asked(params, |at| answers::references(workspace, at)),
            "textDocument/completion" => asked(params, |at| answers::completion(workspace, at)),
            "textDocument/codeAction" => asked(params, |range| answers::actions(workspace, range)),
            _ => Err((ErrorCode::MethodNotFound, format!("there is no `{method}` here"))),
        };
        match answer {
            Ok(value) => Response::new_ok(id.clone(), value),
            Err((code, message)) => Response::new_err(id.clone(), code as i32, message),
        }
    }

    fn hear(&mut self, note: Notification) {
        // What cannot be read changes nothing, and there is nobody to tell.
        let _ = match note.method.as_str() {
            "textDocument/didOpen" => serde_json::from_value(note.params).map(|it| self.workspace.open(it)),
            "textDocument/didChange" => serde_json::from_value(note.params).map(|it| self.workspace.change(it)),
            "textDocument/didSave" => serde_json::from_value(note.params).map(|it| self.workspace.save(&it)),
            "textDocument/didClose" => serde_json::from_value(note.params).map(|it| self.workspace.close(&it)),
            "workspace/didChangeWatchedFiles" => {
                serde_json::from_value(note.params).map(|it| self.workspace.changed_outside(&it))
            }
            _ => Ok(()),
        };
    }

    /// Tells the findings of every suite that has changed.
    fn publish(&mut self) -> anyhow::Result<()> {
        for file in self.workspace.news() {
            self.send(&notification("textDocument/publishDiagnostics", &file))?;
        }
        for text in self.workspace.complaints() {
            // 2 is a warning.
            self.send(&notification("window/logMessage", &json!({"type": 2, "message": text})))?;
        }
        Ok(())
    }

    fn send(&mut self, message: &Message) -> anyhow::Result<()> {
        message.write(&mut self.io.out)?;
        self.io.out.flush()?;
        Ok(())
    }
}

fn notification(method: &str, params: &impl Serialize) -> Message {
    let params = serde_json::to_value(params).unwrap_or_default();
    Message::Notification(Notification { method: method.to_owned(), params })
}

type Answer = Result<Value, (ErrorCode, String)>;

/// Reads the parameters of a request and answers; `null` where there is nothing to say.
fn asked<P: serde::de::DeserializeOwned, R: Serialize>(params: &Value, answer: impl FnOnce(&P) -> Option<R>) -> Answer {
    let params = P::deserialize(params).map_err(|error| (ErrorCode::InvalidParams, error.to_string()))?;
    serde_json::to_value(answer(&params)).map_err(|error| (ErrorCode::InternalError, error.to_string()))
}

fn capabilities() -> Value {
    json!({
        "serverInfo": {"name": "trunkline", "version": env!("CARGO_PKG_VERSION")},
        "capabilities": {
            "textDocumentSync": {"openClose": true, "change": 1, "save": {}},
            "hoverProvider": true,
            "definitionProvider": true,
            "referencesProvider": true,
            "completionProvider": {"triggerCharacters": [".", "\"", "'", "`"]},
            "codeActionProvider": {"codeActionKinds": ["quickfix"]},
        },
    })
}
