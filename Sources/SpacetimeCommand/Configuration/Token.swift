import SpacetimeSATS
import SpacetimeServer

/// What a token says of its holder. Whether it is genuine only the server knows.
struct Token: Equatable {
    let text: String
    let issuer: String
    let subject: String

    /// Nil if the text is no token that a server could accept.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let payload = Base64URL.bytes(parts[1].utf8), let json = try? JSON(parsing: payload),
            let issuer = json["iss"]?.stringValue, let subject = json["sub"]?.stringValue
        else { return nil }
        self.text = text
        self.issuer = issuer
        self.subject = subject
    }

    var identity: Identity { Identity(issuer: issuer, subject: subject) }

    /// - Throws: with the status `usage`, without the text, which may be a secret all the same.
    static func checked(_ text: String, _ origin: String) throws(CommandFailure) -> Token {
        guard let token = Token(text) else {
            throw CommandFailure(
                .usage,
                "\(origin) is no token: three parts with dots between them, of which the middle one says who its holder is"
            )
        }
        return token
    }
}
