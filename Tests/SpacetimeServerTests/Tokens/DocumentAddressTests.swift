import NIOPosix
import SpacetimeHost
import Testing

@testable import SpacetimeServer

/// Addresses that strangers choose.
@Suite struct DocumentAddressTests {
    @Test(arguments: [
        "https://auth.example.com", "http://127.0.0.1:1", "http://localhost:65535/a", "https://[::1]/x",
        "http://[::1]:80",
        "https://a-b.c_d~e/?q=%20#f", "https://auth.example.com/:99999@x",
    ]) func addressesOfDocumentsAreTaken(address: String) {
        #expect(DocumentAddress.isValid(address))
    }

    /// The client for HTTP stops the program at some of these.
    @Test(arguments: [
        "http://127.0.0.1:65536", "http://127.0.0.1:99999/x", "https://a:99999999999999999999", "http://a:0",
        "http://a:",
        "http://a:-1", "http://a:+1", "http://a:1x", "http://a:1:2", "http://[::1]:70000", "http://[::1",
        "http://[::1]x",
        "http://[a%b]", "http://user:password@host", "http://user@host", "http://", "http://:80", "http:///x",
        "https://?x",
        "ftp://x", "file:///etc/passwd", "localhost", "", "http://a b", "http://a/b c", "http://é", "http://a\u{0}",
        "http://a\r\nx: y", "http://a\\b", "http+unix://x", "http://%2fsocket",
    ]) func otherTextsAreNotAskedFor(address: String) async {
        #expect(!DocumentAddress.isValid(address))
        let client = DocumentClient(group: .singleton)
        await #expect(throws: DatabaseError.self) {
            try await client.send(HTTP.Request(.get, address), timeout: .seconds(1))
        }
    }
}
