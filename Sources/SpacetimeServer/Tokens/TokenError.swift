/// Why a token is not accepted.
enum TokenError: Error, Hashable, CustomStringConvertible {
    /// It is no JSON web token.
    case malformed(String)
    /// It is signed in a way that is not offered, or not at all.
    case algorithm(String)
    /// A claim is missing, or not as it has to be.
    case claim(String)
    /// Its time is over.
    case expired
    /// No key that counts for it has made its signature.
    case signature(String)
    /// The keys of its issuer cannot be had.
    case issuer(String)

    var description: String {
        switch self {
        case .malformed(let what): "it is malformed: \(what)"
        case .algorithm(let name):
            "it is signed with '\(name)', which is none of ES256, RS256 and HS256 with a key of its kind"
        case .claim(let what): what
        case .expired: "it has expired; get a new one"
        case .signature(let what): what
        case .issuer(let what): what
        }
    }

    /// What the client is told.
    var refusal: Refusal { Refusal(401, "Invalid token: \(self)") }
}
