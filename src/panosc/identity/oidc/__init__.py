"""The relying party of OpenID Connect: providers, the tokens they sign, and logins."""
