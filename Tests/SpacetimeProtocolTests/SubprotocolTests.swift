import SpacetimeProtocol
import Testing

@Suite struct SubprotocolTests {
    @Test func namesAreThoseOfTheWire() {
        #expect(Subprotocol(rawValue: "v3.bsatn.spacetimedb") == .v3)
    }
}
