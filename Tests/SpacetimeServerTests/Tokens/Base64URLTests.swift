import Testing

@testable import SpacetimeServer

@Suite struct Base64URLTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"), ("\u{3ff}?>", "z78_Pg"),
    ]) func knownTextsGoBothWays(plain: String, text: String) {
        #expect(Base64URL.text(Array(plain.utf8)) == text)
        #expect(Base64URL.bytes(text.utf8) == Array(plain.utf8))
    }

    @Test func eachSequenceOfBytesComesBack() {
        for count in 0..<40 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            #expect(Base64URL.bytes(Base64URL.text(bytes).utf8) == bytes)
        }
    }

    @Test(arguments: ["Z", "Zh", "Zm9", "Zg==", "Z g", "Zm9+", "Zm9/", "Zm9v\n"]) func otherTextsAreRefused(
        text: String
    ) {
        #expect(Base64URL.bytes(text.utf8) == nil)
    }
}
