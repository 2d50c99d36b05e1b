//! What went wrong under TLS, in words: whose fault it is, and what to do.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

/// A handshake that failed.
pub(crate) fn of_handshake(error: &io::Error) -> String {
    match tls_error(error) {
        Some(error) => explain(error),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the server closed the connection in the TLS handshake: does it speak TLS on this \
             port?"
                .to_owned()
        }
        None => format!("in the TLS handshake: {error}"),
    }
}

/// A connection that broke after the handshake.
pub(crate) fn of_connection(error: &io::Error) -> String {
    tls_error(error).map_or_else(|| error.to_string(), explain)
}

/// Whether TLS, rather than the network, found the fault.
pub(crate) fn is_of_tls(error: &io::Error) -> bool {
    tls_error(error).is_some()
}

fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn explain(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(fault) => of_certificate(fault),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::InvalidMessage(_) => {
            "the server does not speak TLS on this port: use its secure port, or no TLS".to_owned()
        }
        Error::PeerIncompatible(why) => of_incompatible(why),
        other => format!("TLS failed: {other}"),
    }
}

fn of_certificate(fault: &CertificateError) -> String {
    use CertificateError as Fault;
    match fault {
        // A root of the same name with another key says the latter.
        Fault::UnknownIssuer | Fault::BadSignature => {
            "the server's certificate is not signed by any root that this \
             client trusts: add the root that signed it, or the chain in between to the server's \
             key store"
                .to_owned()
        }
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => {
            format!(
                "the server's certificate is for another host: {fault}. Connect by a name in it, \
                 have one issued with the right subjectAltName, or set the name to expect"
            )
        }
        Fault::Expired | Fault::ExpiredContext { .. } => {
            format!("the server's certificate, or one that signed it, has expired: {fault}")
        }
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => format!(
            "the server's certificate, or one that signed it, is not valid yet (is this \
             machine's clock right?): {fault}"
        ),
        Fault::Revoked => "the server's certificate is revoked".to_owned(),
        other => format!("the server's certificate cannot be accepted: {other}"),
    }
}

fn of_alert(alert: AlertDescription) -> String {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired => {
            "the server wants a client certificate: give one in the settings of TLS".to_owned()
        }
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied => format!(
            "the server refuses this client's certificate, or wants one where none was given \
             ({alert:?})"
        ),
        Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity => format!(
            "the server refuses the TLS handshake ({alert:?}): it may want a client certificate, \
             or have no version or cipher suite in common with this client"
        ),
        Alert::UnrecognisedName => {
            "the server has no certificate for the name it was asked for".to_owned()
        }
        other => format!("the server gave up the TLS connection ({other:?})"),
    }
}

fn of_incompatible(why: &PeerIncompatible) -> String {
    format!(
        "the server and this client have no way of TLS in common ({why:?}): this client has TLS \
         1.2 and 1.3 with forward secrecy and authenticated encryption, and nothing older"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io_error(error: Error) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }

    #[test]
    fn every_fault_names_the_one_who_can_mend_it() {
        let certificate = Error::InvalidCertificate;
        let cases = [
            (certificate(CertificateError::UnknownIssuer), "add the root"),
            (certificate(CertificateError::NotValidForName), "for another host"),
            (certificate(CertificateError::Expired), "has expired"),
            (certificate(CertificateError::NotValidYet), "clock"),
            (certificate(CertificateError::BadSignature), "add the root"),
            (certificate(CertificateError::BadEncoding), "cannot be accepted"),
            (Error::AlertReceived(AlertDescription::CertificateRequired), "client certificate"),
            (Error::AlertReceived(AlertDescription::UnknownCA), "this client's certificate"),
            (Error::AlertReceived(AlertDescription::ProtocolVersion), "version"),
            (Error::InvalidMessage(rustls::InvalidMessage::InvalidCcs), "secure port"),
            (Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon), "in common"),
        ];
        for (error, expected) in cases {
            let text = of_handshake(&io_error(error));
            assert!(text.contains(expected), "{text}");
        }
        let closed = of_handshake(&io::ErrorKind::UnexpectedEof.into());
        assert!(closed.contains("does it speak TLS"), "{closed}");
    }
}
