//! The licence service, as far as a redemption goes, on a real server on loopback.
//!
//! It has the properties that the product relies on (20 §13): a code is consumed atomically, a box that
//! registers again under its id is merged and not doubled, a re-issue revokes the codes nobody claimed and
//! keeps the company's id, and the free edition makes no row of its own. Answers can be spoilt on a script.
//! Left out: sign-in of people, billing, check-ins.

mod answers;
mod books;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::StandIn;
use super::http::respond;

pub use answers::Fault;
use books::Books;
pub use books::Plan;

/// Largest question that is read.
const MAX_QUESTION: usize = 64 * 1024;

/// A running licence service; dropping it ends it.
#[derive(Debug)]
pub struct LicenseService {
    address: SocketAddr,
    books: Arc<Mutex<Books>>,
    _server: StandIn,
}

impl LicenseService {
    /// Starts one that has issued nothing, on a free loopback port.
    ///
    /// # Errors
    /// No port can be listened on.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("listening on loopback")?;
        let address = listener.local_addr().context("asking for the port")?;
        let books = Arc::new(Mutex::new(Books::default()));
        let server = StandIn::spawn(serve(listener, Arc::clone(&books)));
        Ok(Self {
            address,
            books,
            _server: server,
        })
    }

    /// Its address, as `ALGA_LICENSE_SERVICE_URL` has it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A code for a new company.
    #[must_use]
    pub fn issue(&self, company: &str, plan: Plan) -> String {
        self.books().issue(company, plan)
    }

    /// Another code for the company of `code`: its unclaimed codes are revoked, its id stays.
    ///
    /// # Errors
    /// Nobody was issued that code.
    pub fn reissue(&self, code: &str) -> Result<String> {
        self.books().reissue(code).context("reissuing a code nobody has")
    }

    /// Lets a code expire.
    pub fn expire(&self, code: &str) {
        self.books().expire(code);
    }

    /// Spoils the next answers, in this order.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.books().script.extend(faults);
    }

    /// How often a code was redeemed.
    #[must_use]
    pub fn redemptions(&self) -> usize {
        self.books().redemptions
    }

    /// The appliance id of each question so far.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.books().requests.clone()
    }

    /// Ids of the boxes that have a row.
    #[must_use]
    pub fn appliances(&self) -> Vec<String> {
        self.books().appliances.keys().cloned().collect()
    }

    /// The id of the company that a code is for.
    #[must_use]
    pub fn tenant_of(&self, code: &str) -> Option<String> {
        self.books().tenant_of(code)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }
}

fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, books: Arc<Mutex<Books>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let books = Arc::clone(&books);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&books), request));
            // The client's end of a connection is its own affair.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// The connection is closed without an answer.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut")
    }
}

impl std::error::Error for Cut {}

async fn answer(books: Arc<Mutex<Books>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
    let is_question = request.method() == "POST" && request.uri().path() == "/register";
    let body = Limited::new(request.into_body(), MAX_QUESTION).collect().await;
    let body: Value = body
        .ok()
        .and_then(|body| serde_json::from_slice(&body.to_bytes()).ok())
        .unwrap_or_default();
    let (Some(code), Some(appliance)) = (body["claim_code"].as_str(), body["appliance_id"].as_str()) else {
        return Ok(refused(
            400,
            "bad_request",
            "claim_code and appliance_id are needed",
        ));
    };
    if !is_question {
        return Ok(refused(404, "not_found", "there is nothing here"));
    }
    let fault = {
        let mut books = lock(&books);
        books.requests.push(appliance.to_owned());
        books.script.pop_front()
    };
    let redeem = || lock(&books).redeem(code, appliance);
    match fault {
        None => Ok(told(redeem())),
        Some(fault) => answers::spoilt(fault, redeem).await.ok_or(Cut),
    }
}

fn told(answer: Result<Value, books::Refused>) -> Response<Full<Bytes>> {
    match answer {
        Ok(answer) => respond(200, answer.to_string().into()),
        Err(refusal) => refused(refusal.status, refusal.code, refusal.words),
    }
}

fn refused(status: u16, code: &str, words: &str) -> Response<Full<Bytes>> {
    respond(status, json!({"code": code, "error": words}).to_string().into())
}
