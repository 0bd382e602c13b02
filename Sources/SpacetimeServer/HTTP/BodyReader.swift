import Hummingbird
import NIOCore

/// Reads the body of a request once, as much of it as somebody wants, and the rest to be thrown away: an answer that comes
/// before the end of an upload is not seen by many clients.
final class BodyReader {
    private let body: RequestBody
    private var iterator: RequestBody.AsyncIterator
    private var isAtEnd = false
    private let announcedByteCount: Int?

    /// So much is read to be thrown away; of more the client learns by the closed connection.
    private static let discardLimit = 256 << 20

    init(_ request: Request) {
        body = request.body
        iterator = body.makeAsyncIterator()
        announcedByteCount = request.headers[.contentLength].flatMap { Int($0) }
    }

    /// The whole body.
    ///
    /// - Throws: 413 if it has more than `limit` bytes, 400 if the client went away.
    func collect(limit: Int) async throws(Refusal) -> [UInt8] {
        let tooLarge = Refusal(413, "the body of this request may have \(limit) bytes; send less")
        if let announcedByteCount, announcedByteCount > limit { throw tooLarge }
        var bytes: [UInt8] = []
        while let part = try await next() {
            guard bytes.count + part.readableBytes <= limit else { throw tooLarge }
            bytes.append(contentsOf: part.readableBytesView)
        }
        return bytes
    }

    /// The body for somebody who watches the connection by it. Nothing may have been read, and nothing is read here any more.
    func handOver() -> RequestBody {
        isAtEnd = true
        return body
    }

    /// Reads what nobody has read.
    func discard() async throws(Refusal) {
        var count = 0
        while count < Self.discardLimit, let part = try await next() { count += part.readableBytes }
    }

    private func next() async throws(Refusal) -> ByteBuffer? {
        if isAtEnd { return nil }
        do {
            let part = try await iterator.next(isolation: #isolation)
            isAtEnd = part == nil
            return part
        } catch {
            isAtEnd = true
            throw Refusal(400, "the body of the request ended early")
        }
    }
}
