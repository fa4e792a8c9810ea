// Package secure has what the secured connections to Kafka, Temporal, the object store
// and the model server share: TLS from PEM files, and errors that name the setting
// which prevents a connection.
//
// A server that is unavailable is an outage, and is waited for. A server that refuses
// the credentials, or whose certificate cannot be verified, stays so until an operator
// changes a setting or a certificate: that is a *WrongSetting.
//
// # Non-obvious
//
//   - With TLS 1.3, the handshake has ended for the client before the server has judged
//     the client's certificate. A refusal is the error of the first read.
//   - Servers answer a wrong certificate with an alert, and Go has no type for those of
//     the other side: they are recognized by their text.
package secure
