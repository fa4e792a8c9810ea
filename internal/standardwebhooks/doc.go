// Package standardwebhooks sends signed HTTP requests to addresses that strangers choose.
//
// Requests are signed as Standard Webhooks (https://www.standardwebhooks.com). The address
// is checked where it is dialled, after the name is resolved, so that no name, redirect or
// proxy leads into the operator's network.
package standardwebhooks
