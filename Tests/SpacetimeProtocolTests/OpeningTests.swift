import SpacetimeProtocol
import SpacetimeSATS
import Testing

@Suite struct OpeningTests {
    @Test(arguments: [
        // What the clients of the original offer.
        (["v3.bsatn.spacetimedb, v2.bsatn.spacetimedb"], Subprotocol.v3),
        (["v2.bsatn.spacetimedb"], .v2),
        (["v3.bsatn.spacetimedb"], .v3),
        (["v1.json.spacetimedb"], .v1JSON),
        // The order of the client does not count, blanks do not, and headers may be repeated.
        (["v1.json.spacetimedb,v1.bsatn.spacetimedb,v2.bsatn.spacetimedb,v3.bsatn.spacetimedb"], .v3),
        (["v1.json.spacetimedb , v1.bsatn.spacetimedb"], .v1BSATN),
        (["v1.json.spacetimedb", "\t v2.bsatn.spacetimedb  "], .v2),
        (["chat, v4.bsatn.spacetimedb, ,v1.bsatn.spacetimedb"], .v1BSATN),
    ])
    func theServerChoosesByItsOwnPreference(_ headers: [String], _ expected: Subprotocol) {
        #expect(Subprotocol.negotiate(headers) == expected)
    }

    @Test(arguments: [[], [""], ["chat"], ["V2.bsatn.spacetimedb"], ["v2.bsatn.spacetimedb;"], [", ,"]])
    func withoutACommonNameThereIsNone(_ headers: [String]) { #expect(Subprotocol.negotiate(headers) == nil) }

    @Test func subprotocolsDifferInFramesMessagesAndConfirmedReads() {
        #expect(Subprotocol.allCases.map(\.isBatched) == [true, false, false, false])
        #expect(Subprotocol.allCases.map(\.speaksV2) == [true, true, false, false])
        #expect(Subprotocol.allCases.map(\.isText) == [false, false, false, true])
        #expect(Subprotocol.allCases.map(\.confirmsReadsByDefault) == [true, true, false, false])
    }

    @Test func parametersHaveDefaults() throws {
        let parameters = try ConnectionParameters([])
        #expect(parameters == ConnectionParameters())
        #expect(parameters.compression == .brotli)
        #expect(!parameters.isLight)
        #expect(parameters.isConfirmed == nil)
        #expect(!parameters.wantsOffsets)
        #expect(parameters.connectionID == nil && parameters.token == nil && parameters.sessionID == nil)
        #expect(parameters.refusal == nil)
    }

    @Test func allParametersAreRead() throws {
        let parameters = try ConnectionParameters([
            ("connection_id", "0102030405060708090A0b0c0d0e0f10"), ("compression", "Gzip"), ("light", "true"),
            ("confirmed", "false"), ("token", "eyJ.e30.c2ln"), ("session_id", "größe"), ("offsets", "true"),
            ("unknown", "1"),
            ("", ""),
        ])
        #expect(parameters.connectionID?.hex == "0102030405060708090a0b0c0d0e0f10")
        #expect(parameters.compression == .gzip)
        #expect(parameters.isLight)
        #expect(parameters.isConfirmed == false)
        #expect(parameters.token == "eyJ.e30.c2ln")
        #expect(parameters.sessionID == "größe")
        #expect(parameters.wantsOffsets)
        #expect(try !ConnectionParameters([("offsets", "false")]).wantsOffsets)
        #expect(try ConnectionParameters([("compression", "None")]).compression == .none)
        #expect(try ConnectionParameters([("confirmed", "true")]).isConfirmed == true)
        #expect(try ConnectionParameters([("light", "false")]).isLight == false)
        #expect(try ConnectionParameters([("token", "")]).token == "")
    }

    @Test(arguments: [
        ("light", "1"), ("light", "True"), ("light", ""), ("confirmed", "yes"), ("offsets", "1"),
        ("compression", "gzip"),
        ("compression", ""), ("connection_id", ""), ("connection_id", "0102030405060708090a0b0c0d0e0f1"),
        ("connection_id", "0102030405060708090a0b0c0d0e0f1011"),
        ("connection_id", "0x0102030405060708090a0b0c0d0e0f10"),
        ("connection_id", "0x02030405060708090a0b0c0d0e0f10"), ("connection_id", "0102030405060708090a0b0c0d0e0fzz"),
        ("session_id", String(repeating: "x", count: 129)),
    ])
    func valuesThatCannotBeReadAreRefused(_ name: String, _ value: String) {
        #expect { try ConnectionParameters([("token", "t"), (name, value)]) } throws: { error in
            let problem = error as? ConnectionParameters.Problem
            return problem?.parameter == name
                && problem?.description.hasPrefix("parameter `\(name)`: expected ") == true
        }
    }

    @Test func parametersAreGivenOnce() {
        #expect(throws: ConnectionParameters.Problem(parameter: "light", expected: "to be given once")) {
            try ConnectionParameters([("light", "true"), ("light", "true")])
        }
        #expect(throws: Never.self) { try ConnectionParameters([("x", "1"), ("x", "2")]) }
    }

    @Test func theConnectionOfNobodyIsRefused() throws {
        let parameters = try ConnectionParameters([("connection_id", String(repeating: "0", count: 32))])
        #expect(parameters.refusal?.parameter == "connection_id")
    }
}
