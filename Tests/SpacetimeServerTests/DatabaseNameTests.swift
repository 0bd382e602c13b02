import Testing

@testable import SpacetimeServer

@Suite struct DatabaseNameTests {
    @Test(arguments: ["arena", "a", "a-b", "arena-2"]) func groupsJoinedByHyphensAreNames(text: String) {
        #expect(DatabaseName.isValid(text))
    }

    @Test(arguments: ["", "-", "a-", "-a", "a--b", "Arena", "a_b", "a/b", "ü"]) func otherTextsAreNot(text: String) {
        #expect(!DatabaseName.isValid(text))
    }
}
