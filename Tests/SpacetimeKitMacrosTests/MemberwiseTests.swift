import SwiftParser
import SwiftSyntax
import Testing

@testable import SpacetimeKitMacros

/// For which structs an initialiser is written, and how visible it is.
@Suite struct MemberwiseTests {
    private func initializer(_ source: String) -> String? {
        let file = Parser.parse(source: source)
        guard let structure = file.statements.first?.item.as(StructDeclSyntax.self) else { return "no struct" }
        var problems = Problems()
        let fields = Field.all(in: structure.memberBlock, problems: &problems)
        let access = Access(structure.modifiers).inlinableIfPossible(fields: fields, in: [])
        let memberwise = MemberwiseInitializer(of: structure, fields: fields, access: access, in: [])
        return memberwise?.members.last?.split(separator: "\n").first.map(String.init)
    }

    @Test(arguments: [
        ("public struct A { public var a: B }", "@inlinable public nonisolated init(a: B) {"),
        ("public struct A { }", "@inlinable public nonisolated init() {"),
        ("public struct A { public private(set) var a: B? }", "public nonisolated init(a: B? = nil) {"),
        ("public struct A { package var a: B; public let b: C? }", "package nonisolated init(a: B, b: C?) {"),
        (
            "package struct A { public var a: Int32 = 1, b: Int32 }",
            "package nonisolated init(a: Int32 = 1, b: Int32) {"
        ),
        ("package struct A { package var a: B = .c }", "package nonisolated init(a: B = .c) {"),
        ("public struct A { public var a: B; init(b: B) {} }", "@inlinable public nonisolated init(a: B) {"),
        ("public struct A { public var a: B; init(a: C) {} }", "@inlinable public nonisolated init(a: B) {"),
    ])
    func visibleStructsGetOne(_ source: String, _ expected: String) { #expect(initializer(source) == expected) }

    @Test(arguments: [
        "struct A { public var a: B }",
        "private struct A { var a: B }",
        "public struct A { var a: B }",
        "public struct A { public var a: B; private var b: B }",
        "package struct A { package var a: B; var b: B }",
        "public struct A { public var a: B; public init(a: B) {} }",
        "public struct A { public var a: [Int8]?; init?(a: [ Swift.Int8 ]?) {} }",
        "public struct A { public var a: SpacetimeKit.Identity; init(a value: Identity) throws {} }",
        "public struct A { public var a: B\n#if X\npublic init(a: B) {}\n#endif\n}",
    ])
    func othersKeepWhatTheyHave(_ source: String) { #expect(initializer(source) == nil) }
}
