import Testing

@testable import SpacetimeServer

@Suite struct DatabaseNameTests {
    @Test(arguments: ["arena", "a", "a-b", "arena-2"]) func groupsJoinedByHyphensAreNames(text: String) {
        #expect(DatabaseName.isValid(text))
    }

    @Test func namesHaveALimit() {
        let longest = String(repeating: "a", count: 255)
        #expect(DatabaseName.isValid(longest))
        #expect(!DatabaseName.isValid(longest + "a"))
        #expect(DatabaseName.problem(longest + "a") == "a name of 256 bytes cannot name a database; use 255 at most")
    }

    @Test(arguments: ["", "-", "a-", "-a", "a--b", "Arena", "a_b", "a/b", "ü"]) func otherTextsAreNot(text: String) {
        #expect(!DatabaseName.isValid(text))
    }
}
