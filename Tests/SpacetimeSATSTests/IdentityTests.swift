import SpacetimeSATS
import Testing

@Suite struct IdentityTests {
    @Test(arguments: [
        (
            "localhost", "6d4b5430-00cf-4a99-932c-ad2d07bab841",
            "c200483152d642c7d402de06cacc36dcb0c2a1f2bbeb8e7d5a673f2435cca975",
            "75a9cc35243f675a7d8eebbbf2a1c2b0dc36ccca06de02d4c742d652314800c2"
        ),
        (
            "localhost", "alice", "c20035600353a2e93544d898c6ed0eac323e200c0468300f22958f8b472a265d",
            "5d262a478b8f95220f3068040c203e32ac0eedc698d84435e9a25303603500c2"
        ),
        (
            "https://auth.example.com", "user-1", "c2008acc5c3458231fe297e178b75c5ac86196c9097e82d680e7a7cfc2f75173",
            "7351f7c2cfa7e780d6827e09c99661c85a5cb778e197e21f2358345ccc8a00c2"
        ),
    ])
    func claimsGiveTheKnownIdentity(_ issuer: String, _ subject: String, _ display: String, _ bytes: String) throws {
        let identity = Identity(issuer: issuer, subject: subject)
        #expect(identity.hex == display)
        #expect(identity.bsatn() == hex(bytes))
        #expect(Identity(hex: display) == identity)
        #expect(Identity(hex: "0x" + display.uppercased()) == identity)
    }

    @Test func hexTextMustHaveExactlyAllDigits() {
        let digits = String(repeating: "a", count: 64)
        #expect(Identity(hex: digits) != nil)
        #expect(Identity(hex: "X'" + digits) != nil)
        #expect(Identity(hex: String(digits.dropLast())) == nil)
        #expect(Identity(hex: digits + "a") == nil)
        #expect(Identity(hex: "g" + digits.dropFirst()) == nil)
        #expect(Identity(hex: "é" + digits.dropFirst(2)) == nil)
        #expect(ConnectionId(hex: String(digits.prefix(32))) != nil)
        #expect(ConnectionId(hex: String(digits.prefix(31))) == nil)
        #expect(ConnectionId.none.isNone && ConnectionId.none.hex == String(repeating: "0", count: 32))
    }

    @Test func identitiesSortAsTheirDisplayedText() {
        var random = SplitMix64(seed: 11)
        let identities = (0..<200).map { Identity(issuer: "i", subject: "\($0) \(random.next())") }
        #expect(identities.sorted().map(\.hex) == identities.map(\.hex).sorted())
    }

    @Test func uuidsFollowTheirLayouts() {
        let time = Timestamp(microsecondsSinceUnixEpoch: 1_686_000_000_000)
        let uuid = Uuid.v7(timestamp: time, counter: 1, random: 0)
        #expect(uuid.description == "0000647e-5180-7000-8000-000200000000")
        #expect(uuid.version == 7)
        #expect(
            Uuid.v7(timestamp: time, counter: 0x7fff_ffff, random: .max).description.hasPrefix("0000647e-5180-70ff-80"))
        #expect(Uuid.counter(after: 0x7fff_ffff) == 0)
        #expect(Uuid.v4(random: .max).description == "ffffffff-ffff-4fff-bfff-ffffffffffff")
        #expect(Uuid.v4(random: 0).description == "00000000-0000-4000-8000-000000000000")
        #expect(Uuid.nil.description == "00000000-0000-0000-0000-000000000000")
    }

    @Test func uuidTextIsCheckedThroughout() {
        let text = "00112233-4455-6677-8899-aabbccddeeff"
        #expect(Uuid(text)?.description == text)
        #expect(Uuid("00112233445566778899AABBCCDDEEFF")?.description == text)
        for bad in ["", "0", String(text.dropLast()), text + "0", "0011-2233445566778899-aabb-ccddeeff-x"] {
            #expect(Uuid(bad) == nil)
        }
        #expect(Uuid("00112233x4455-6677-8899-aabbccddeeff") == nil)
    }

    @Test func laterCountersSortHigher() {
        var random = SplitMix64(seed: 3)
        var counter: UInt32 = 0x00ff_ff00
        var last = Uuid.nil
        for _ in 0..<1_000 {
            let uuid = Uuid.v7(
                timestamp: Timestamp(microsecondsSinceUnixEpoch: 1_000_000), counter: counter,
                random: UInt32(truncatingIfNeeded: random.next()))
            #expect(last < uuid)
            last = uuid
            counter = Uuid.counter(after: counter)
        }
    }
}
