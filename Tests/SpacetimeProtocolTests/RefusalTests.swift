import SpacetimeProtocol
import SpacetimeSATS
import Testing

@Suite struct RefusalTests {
    private func clientError(_ text: String, limits: ProtocolLimits = ProtocolLimits()) -> ProtocolError? {
        do {
            _ = try clientMessages(hex(text), limits: limits)
            return nil
        } catch { return error }
    }

    private func serverError(_ text: String) -> ProtocolError? {
        do {
            _ = try V2.ServerMessage(body: hex(text))
            return nil
        } catch { return error }
    }

    @Test func emptyPayloadsAreRefused() {
        #expect(clientError("") == .emptyPayload)
        #expect(serverError("") == .emptyPayload)
    }

    @Test func unknownTagsAreNamedWithTheirPlace() {
        #expect(clientError("05") == .malformed(.invalidTag(5, at: 0)))
        // The second message of a frame.
        #expect(clientError("0108000000 00000000 00 ff") == .malformed(.invalidTag(255, at: 10)))
        #expect(clientError("0108000000 00000000 02") == .malformed(.invalidTag(2, at: 9)))
        #expect(serverError("08") == .malformed(.invalidTag(8, at: 0)))
        #expect(serverError("03 02 06000000 00000000") == .malformed(.invalidTag(2, at: 1)))
    }

    @Test func callsHaveNoFlags() {
        #expect(clientError("03 01000000 01 00000000 00000000") == .unknownFlags(1, at: 5, allowed: 0))
        #expect(clientError("04 01000000 ff 00000000 00000000") == .unknownFlags(255, at: 5, allowed: 0))
    }

    @Test func textsAreUTF8() {
        #expect(clientError("03 01000000 00 02000000 c328 00000000") == .malformed(.invalidUTF8(at: 10)))
        #expect(clientError("02 01000000 01000000 80") == .malformed(.invalidUTF8(at: 9)))
        // An overlong form, a surrogate, and a code point too large.
        for bad in ["c0af", "eda080", "f4908080"] {
            let count = bad.utf8.count / 2
            #expect(clientError("02 01000000 0\(count)000000 \(bad)") == .malformed(.invalidUTF8(at: 9)))
        }
    }

    @Test func countsThatNothingBacksAreRefused() {
        #expect(clientError("00 01000000 01000000 ffffffff") == .malformed(.truncated(at: 13, needed: 4 * 0xffff_ffff)))
        #expect(serverError("04 ffffffff 00000000") == .malformed(.truncated(at: 5, needed: 8 * 0xffff_ffff)))
        #expect(
            clientError("03 01000000 00 00000000 ffffffff")
                == .tooLarge(.messageBytes, found: 0xffff_ffff, limit: 33_554_432, at: 10))
    }

    @Test func limitsAreNamedWithTheirPlace() {
        let limits = ProtocolLimits(messageBytes: 40, queriesPerMessage: 2, queryBytes: 5, nameBytes: 3)
        func error(_ text: String) -> ProtocolError? { clientError(text, limits: limits) }
        #expect(error("02 01000000 05000000 6161616161") == nil)
        #expect(
            error("02 01000000 06000000 616161616161") == .tooLarge(.queryBytes, found: 6, limit: 5, at: 5))
        #expect(error("00 01000000 01000000 02000000 00000000 00000000") == nil)
        #expect(
            error("00 01000000 01000000 03000000 00000000 00000000 00000000")
                == .tooLarge(.queries, found: 3, limit: 2, at: 9))
        #expect(error("03 01000000 00 03000000 616161 00000000") == nil)
        #expect(
            error("03 01000000 00 04000000 61616161 00000000") == .tooLarge(.nameBytes, found: 4, limit: 3, at: 6))
        let long = String(repeating: "00", count: 41)
        #expect(error(long) == .tooLarge(.messageBytes, found: 41, limit: 40, at: 0))
        #expect(
            error(long)?.description == "bytes of the message at offset 0: 41, and at most 40 are accepted")
    }

    @Test func reasonsFitACloseFrame() {
        #expect(ProtocolError.emptyPayload.closeReason == ProtocolError.emptyPayload.description)
        for text in [String(repeating: "x", count: 500), String(repeating: "🙂", count: 80), "", "short"] {
            let reason = ProtocolError.closeReason(text)
            #expect(reason.utf8.count <= 123)
            #expect(text.utf8.count <= 123 ? reason == text : reason.utf8.count > 110 && reason.hasSuffix("…"))
        }
    }
}
