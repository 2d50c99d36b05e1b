//! SASL: tokens in, tokens out, and what happens to who does not get through.

use bytes::Bytes;
use zk_proto::codec::{Decode, DecodeError, Encode, Reader, encode_frame};
use zk_proto::{ErrorCode, ReplyHeader, SaslRequest, SaslResponse, Zxid};

use super::{Action, CloseReason, Server};
use crate::ConnectionId;
use crate::auth::sasl::{Exchange, MechanismAnswer, SCHEME, SaslAnswer, SaslFailure};

impl Server {
    /// A client's token. As authentication by other schemes it is outside of the order of requests,
    /// and no sign of life of the session.
    pub(super) fn sasl_token(&mut self, conn: ConnectionId, xid: i32, body: &Bytes) {
        let token = SaslRequest::decode(&mut Reader::of(body));
        let token = token
            .and_then(|request| request.token.ok_or(DecodeError::UnexpectedNull("SASL token")));
        let token = match token {
            Ok(token) => token,
            Err(error) => {
                return self.close(conn, CloseReason::Malformed { what: "SASL token", error });
            }
        };
        // Without a login a null token ends the client's side of the exchange, as with Apache.
        let Some(sasl) = &mut self.sasl else {
            return self.reply_sasl(conn, xid, ErrorCode::Ok, None);
        };
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let answer = sasl.answer(&mut connection.sasl, xid, token, &mut connection.identities);
        if matches!(answer, SaslAnswer::Ask) {
            self.actions.push_back(Action::AskMechanism { conn, token: body.slice_ref(token) });
        }
        self.answer_sasl(conn, xid, answer);
    }

    /// The runtime's mechanism has an answer to the client's token.
    pub(super) fn mechanism_answered(&mut self, conn: ConnectionId, answer: MechanismAnswer) {
        let Some(sasl) = &self.sasl else { return };
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let Exchange::Asking { xid } = connection.sasl else { return };
        let answer =
            sasl.mechanism_answered(&mut connection.sasl, answer, &mut connection.identities);
        self.answer_sasl(conn, xid, answer);
        self.resume_if_possible(conn);
    }

    fn answer_sasl(&mut self, conn: ConnectionId, xid: i32, answer: SaslAnswer) {
        match answer {
            SaslAnswer::Ask => {}
            SaslAnswer::Reply(token) => self.reply_sasl(conn, xid, ErrorCode::Ok, Some(token)),
            SaslAnswer::Done(token) => self.reply_sasl(conn, xid, ErrorCode::Ok, token),
            SaslAnswer::Failed(failure) => self.sasl_failed(conn, xid, failure),
        }
    }

    fn sasl_failed(&mut self, conn: ConnectionId, xid: i32, failure: SaslFailure) {
        self.stats.auth_failures += 1;
        let required = self.access.requires(SCHEME);
        let may_stay = self.sasl.as_ref().is_some_and(|sasl| sasl.failed_clients_stay());
        if may_stay && !required {
            return self.reply_sasl(conn, xid, ErrorCode::Ok, None);
        }
        let code = match required {
            true => ErrorCode::SessionClosedRequireSaslAuth,
            false => ErrorCode::AuthFailed,
        };
        self.reply_sasl(conn, xid, code, None);
        self.close(conn, CloseReason::SaslFailed(failure));
    }

    /// The only answer that has a body even if it is an error.
    fn reply_sasl(&mut self, conn: ConnectionId, xid: i32, err: ErrorCode, token: Option<Bytes>) {
        self.write(conn, |out| {
            encode_frame(out, |out| {
                ReplyHeader { xid, zxid: Zxid::ZERO, err }.encode(out);
                SaslResponse { token }.encode(out);
            });
        });
    }

    /// Whether the connection may ask for anything but authentication. If not, it is told so and
    /// closed.
    pub(super) fn is_admitted(&mut self, conn: ConnectionId, xid: i32) -> bool {
        let Some(connection) = self.connections.get(&conn) else { return false };
        if self.access.admits(&connection.identities) {
            return true;
        }
        let code = ErrorCode::SessionClosedRequireSaslAuth;
        self.reply_with_zxid(conn, xid, Zxid::ZERO, |_| Err(code));
        self.close(conn, CloseReason::AuthRequired);
        false
    }
}
