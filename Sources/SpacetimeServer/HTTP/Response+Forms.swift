import HTTPTypes
import Hummingbird
import NIOCore
import SpacetimeHost
import SpacetimeSATS

/// The forms that answers have.
extension Response {
    /// Without a body.
    static func empty(_ status: Int = 200) -> Response { Response(status: HTTPResponse.Status(code: status)) }

    static func text(_ status: Int, _ text: String) -> Response {
        bytes(status, Array(text.utf8), type: "text/plain; charset=utf-8")
    }

    /// The type is spelled without a character set, since clients compare it.
    static func json(_ status: Int, _ json: JSON) -> Response {
        bytes(status, json.utf8, type: "application/json")
    }

    static func json(_ json: JSON) -> Response { .json(200, json) }

    static func bytes(_ status: Int, _ bytes: [UInt8], type: String) -> Response {
        Response(
            status: HTTPResponse.Status(code: status), headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    init(_ refusal: Refusal) {
        self = refusal.text.isEmpty ? .empty(refusal.status) : .text(refusal.status, refusal.text)
        for field in refusal.headers.fields {
            if let name = HTTPField.Name(field.name) { headers[name] = field.value }
        }
    }

    /// The same with the time that the module took for it.
    func took(_ duration: Duration) -> Response {
        with(.spacetimeDuration, String(TimeDuration(duration).microseconds))
    }

    /// The same with a header.
    func with(_ name: HTTPField.Name, _ value: String) -> Response {
        var response = self
        response.headers[name] = value
        return response
    }
}

extension HTTPField.Name {
    /// A name that is written down in the program.
    private static func known(_ name: String) -> HTTPField.Name {
        guard let known = HTTPField.Name(name) else { preconditionFailure("'\(name)' is no name of a header") }
        return known
    }

    static let spacetimeIdentity = known("spacetime-identity")
    static let spacetimeToken = known("spacetime-identity-token")
    static let spacetimeEnergyUsed = known("spacetime-energy-used")
    static let spacetimeDuration = known("spacetime-execution-duration-micros")
    static let forwardedProtocol = known("x-forwarded-proto")
    static let forwardedHost = known("x-forwarded-host")
}
