//! Tries the proof of JSON Web Tokens against keys made here and an issuer of its own.
