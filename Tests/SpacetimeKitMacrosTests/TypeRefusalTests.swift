import Testing

@testable import SpacetimeKitMacros

@Suite struct TypeRefusalTests {
    @Test(arguments: [
        Refusal("@SpacetimeType »class A { }", .typeNeedsStructOrEnum(found: "a class")),
        Refusal("@SpacetimeType struct A»<T> { var a: Int32 }", .genericType(macro: "SpacetimeType")),
        Refusal("@SpacetimeType enum A»<T> { case a }", .genericType(macro: "SpacetimeType")),
        Refusal("@SpacetimeType enum »A { }", .noCases),
        Refusal("@SpacetimeType enum A { case a\n»#if X\ncase b\n#endif\n}", .conditionalMembers),
        Refusal("@SpacetimeType(name: »\"1\") struct A { }", .invalidName("1")),
        Refusal("»@SpacetimeType @Table struct A { var a: Int32 }", .tableIsAlreadyType),
        Refusal("@SpacetimeType struct A { var »a = 1 }", .missingType("a")),
        Refusal(
            "@SpacetimeType »@MainActor enum A { case a }", .isolatedType(macro: "SpacetimeType", actor: "MainActor")),
        Refusal("func f() { »@SpacetimeType enum A { case a } }", .localType(macro: "SpacetimeType")),
        Refusal(
            "enum N { @SpacetimeType »private enum A { case a } }", .privateType,
            fixIt: "Replace 'private' by 'fileprivate'",
            fixed: "enum N { @SpacetimeType fileprivate enum A { case a } }"),
        Refusal("enum N { private enum O { »@SpacetimeType enum A { case a } } }", .privateType),
        Refusal("let f = { »@SpacetimeType struct A { } }", .localType(macro: "SpacetimeType")),
        Refusal(
            "@SpacetimeType enum A { case a(»Int) }",
            .unsupportedType("Int", advice: "its width depends on the machine; use 'Int64'"),
            fixIt: "Replace 'Int' by 'Int64'", fixed: "@SpacetimeType enum A { case a(Int64) }"),
    ])
    func declarationsThatAreNoValues(_ refusal: Refusal) { refusal.check() }

    @Test func moreCasesThanATagCanTell() {
        let cases = (0...256).map { "case c\($0)" }.joined(separator: "; ")
        Refusal("@SpacetimeType enum »A { \(cases) }", .tooManyCases(257)).check()
    }

    @Test(arguments: [
        "@SpacetimeType private enum A { case a }",
        "private enum N { @SpacetimeType enum A { case a } }",
        "private enum N { @SpacetimeType fileprivate enum A { case a } }",
        "private extension N { @SpacetimeType struct A { var a: Int32 } }",
    ])
    func typesThatAreHiddenFromOtherFilesOnly(_ source: String) { expectNoRefusal(source) }
}
