import Testing

@testable import SpacetimeKitMacros

@Suite struct TableRefusalTests {
    @Test(arguments: [
        Refusal("@Table »class A { var a: Int32 = 0 }", .tableNeedsStruct(found: "a class")),
        Refusal("@Table »enum A { case a }", .tableNeedsStruct(found: "an enum")),
        Refusal("@Table »actor A { }", .tableNeedsStruct(found: "an actor")),
        Refusal("@Table struct A»<T> { var a: Int32 }", .genericType(macro: "Table")),
        Refusal("@Table struct »Row { var a: Int32 }", .reservedTypeName("Row")),
        Refusal("@Table struct »A { var a: Int32 { 1 } }", .noColumns),
        Refusal("@Table struct »A { static var a: Int32 = 1 }", .noColumns),
        Refusal("@Table »@MainActor struct A { var a: Int32 }", .isolatedType(macro: "Table", actor: "MainActor")),
        Refusal("func f() { »@Table struct A { var a: Int32 } }", .localType(macro: "Table")),
        Refusal("enum N { init() { »@Table struct A { var a: Int32 } } }", .localType(macro: "Table")),
        Refusal("enum N { var a: Int32 { »@Table struct A { var a: Int32 } } }", .localType(macro: "Table")),
    ])
    func structsThatCannotBeRows(_ refusal: Refusal) { refusal.check() }

    @Test(arguments: [
        Refusal("@Table struct A { var »a = 1 }", .missingType("a")),
        Refusal("@Table struct A { var »a = 1, b: Int32 }", .missingType("a")),
        Refusal("@Table struct A { var »(a, b): (Int32, Int32) }", .tuplePattern),
        Refusal(
            "@Table struct A { let »a: Int32 = 1 }", .initializedConstant("a"), fixIt: "Replace 'let' by 'var'",
            fixed: "@Table struct A { var a: Int32 = 1 }"),
        Refusal("@Table struct A { »lazy var a: Int32 = 1 }", .lazyProperty("a")),
        Refusal("@Table struct A { var a: Int32\n»#if X\nvar b: Int32\n#endif\n}", .conditionalMembers),
        Refusal("@Table struct A { var »größe: Int32 }", .invalidName("größe")),
        Refusal("@Table struct A { var a: [»A] }", .recursiveRow(column: "a", row: "A")),
        Refusal("@Table struct A { var a: B<»A?> }", .recursiveRow(column: "a", row: "A")),
        Refusal("@Table struct A { var a: »Handle }", .hiddenType("Handle")),
        Refusal("@Table struct A { var a: [»Columns.B] }", .hiddenType("Columns")),
    ])
    func propertiesThatCannotBeColumns(_ refusal: Refusal) { refusal.check() }

    @Test(arguments: [
        ("Int", "Int64", "its width depends on the machine; use 'Int64'"),
        ("UInt", "UInt64", "its width depends on the machine; use 'UInt64'"),
        ("Swift.Int", "Int64", "its width depends on the machine; use 'Int64'"),
        ("Character", "String", "use 'String'"),
        ("Substring", "String", "use 'String'"),
        ("Float16", "Float", "use 'Float'"),
        ("Float80", "Double", "use 'Double'"),
        ("Date", "Timestamp", own("Date", use: "Timestamp")),
        ("Foundation.UUID", "Uuid", own("UUID", use: "Uuid")),
        ("URL", "String", own("URL", use: "String")),
        ("Data", "[UInt8]", own("Data", use: "[UInt8]")),
        ("Duration", "TimeDuration", own("Duration", use: "TimeDuration")),
        ("CGFloat", "Double", own("CGFloat", use: "Double")),
    ])
    func typesWithACertainReplacement(_ type: String, _ replacement: String, _ advice: String) {
        for (before, after) in [("", ""), ("[", "]"), ("", "?"), ("Optional<", ">")] {
            Refusal(
                "@Table struct A { var a: \(before)»\(type)\(after) }", .unsupportedType(type, advice: advice),
                fixIt: "Replace '\(type)' by '\(replacement)'",
                fixed: "@Table struct A { var a: \(before)\(replacement)\(after) }"
            ).check()
        }
    }

    private static func own(_ name: String, use replacement: String) -> String {
        "use '\(replacement)'. If it is a type of your own, write it with its module, as in 'MyModule.\(name)'"
    }

    @Test func typesOfTheUserMayHaveNamesOfFoundation() {
        expectNoRefusal("@Table struct A { var a: MyModule.Date; var b: My.Data? }")
    }

    @Test func implicitlyUnwrappedOptionals() {
        Refusal(
            "@Table struct A { var a: »Int32! }", .unsupportedType("Int32!", advice: "write 'Int32?'"),
            fixIt: "Replace '!' by '?'", fixed: "@Table struct A { var a: Int32? }"
        ).check()
    }

    @Test(arguments: [
        ("(Int32, Int32)", "declare a struct with @SpacetimeType"),
        ("()", "declare a struct with @SpacetimeType"),
        ("Void", "declare a struct with @SpacetimeType"),
        ("[String: Int32]", "use an array of a @SpacetimeType struct, or a table of its own"),
        ("Dictionary<String, Int32>", "use an array of a @SpacetimeType struct, or a table of its own"),
        ("Set<Int32>", "use an array, or a table of its own"),
        ("(Int32) -> Int32", "a function has no value that could be kept"),
        ("any Equatable", "name one concrete type, for instance an enum with @SpacetimeType"),
        ("Codable & Sendable", "name one concrete type, for instance an enum with @SpacetimeType"),
        ("Any", "name one concrete type, for instance an enum with @SpacetimeType"),
        ("Int32.Type", "a type is not a value that could be kept"),
        ("Decimal", "use 'Int64' and count in the smallest unit, or 'String'"),
        ("Range<Int32>", "use a column for each bound, or a struct with @SpacetimeType"),
    ])
    func typesWithoutAReplacement(_ type: String, _ advice: String) {
        Refusal("@Table struct A { var a: »\(type) }", .unsupportedType(type, advice: advice)).check()
    }

    #if canImport(SwiftSyntax602)
    @Test func inlineArrays() {
        let type = "[3 of Int32]"
        Refusal("@Table struct A { var a: »\(type) }", .unsupportedType(type, advice: "use '[Int32]'")).check()
    }
    #endif

    @Test(arguments: [
        Refusal(
            "@Table struct A { »@AutoIncrement var a: String }", .autoIncrementNeedsInteger(column: "a", type: "String")
        ),
        Refusal(
            "@Table struct A { »@AutoIncrement var a: UInt64? }",
            .autoIncrementNeedsInteger(column: "a", type: "UInt64?")),
        Refusal("@Table struct A { @PrimaryKey var a: Int32; »@PrimaryKey var b: Int32 }", .secondPrimaryKey),
        Refusal(
            "@Table(.primaryKey(\\.a, \\.b)) struct A { »@PrimaryKey var a: Int32; var b: Int32 }", .secondPrimaryKey),
        Refusal("@Table struct A { »@PrimaryKey var a: Float }", .unsuitableKey(column: "a", type: "Float")),
        Refusal(
            "@Table struct A { »@PrimaryKey var a: Swift.Double }", .unsuitableKey(column: "a", type: "Swift.Double")),
        Refusal("@Table struct A { »@Unique var a: Double? }", .unsuitableKey(column: "a", type: "Double?")),
        Refusal("@Table struct A { »@Unique var a: [[Float]] }", .unsuitableKey(column: "a", type: "[[Float]]")),
        Refusal(
            "@Table struct A { »@Unique var a: Optional<Swift.Float> }",
            .unsuitableKey(column: "a", type: "Optional<Swift.Float>")),
        Refusal(
            "@Table(»\(".unique(\"u\", \\.b, \\.a)")) struct A { var a: Float; var b: String }",
            .unsuitableKey(column: "a", type: "Float")),
        Refusal("@Table struct A { »@Unique var a: Double }", .unsuitableKey(column: "a", type: "Double")),
        Refusal(
            "@Table(»\(".primaryKey(\\.a)")) struct A { var a: Float }", .unsuitableKey(column: "a", type: "Float")),
        Refusal(
            "@Table struct A { »@Indexed(.direct) var a: String }",
            .directIndexNeedsUnsigned(column: "a", type: "String")),
        Refusal("@Table struct A { @PrimaryKey »@Default(Int32(1)) var a: Int32 }", .defaultWithKey(column: "a")),
        Refusal("@Table struct A { @Unique »@Default(Int32(1)) var a: Int32 }", .defaultWithKey(column: "a")),
        Refusal("@Table struct A { @AutoIncrement »@Default(Int32(1)) var a: Int32 }", .defaultWithKey(column: "a")),
        Refusal("@Table struct A { @Indexed(»\(".tree")) var a: Int32 }", .unknownAlgorithm(".tree")),
        Refusal("@Table struct A { »@Default(nil) var a: Int32 }", .nilForValue(column: "a", type: "Int32")),
        Refusal("@Table struct A { »@Default(nil) var a: [Int32] }", .nilForValue(column: "a", type: "[Int32]")),
        Refusal("@Table struct A {\n»#if X\n@Unique\n#endif\nvar a: Int32 }", .conditionalMarker(macro: "Unique")),
        Refusal(
            "@Table struct A { @Unique(name: \"x\") @Indexed(.btree, »name: \"y\") var a: Int32 }",
            .twoIndexNames("x", "y")),
        Refusal("@Table struct A { @Unique(name: »\"x y\") var a: Int32 }", .invalidName("x y")),
        Refusal("@Table struct A { @Indexed(name: »x) var a: Int32 }", .notALiteral(argument: "The index's name")),
    ])
    func marksThatDoNotFitTheColumn(_ refusal: Refusal) { refusal.check() }

    // Older versions cannot parse what remains of the source once attributes in the '#if' are expanded.
    #if canImport(SwiftSyntax602)
    @Test func marksInAnIfWithinAnIf() {
        Refusal(
            "@Table struct A {\n»#if X\n#else\n#if Y\n@PrimaryKey\n#endif\n#endif\nvar a: Int32 }",
            .conditionalMarker(macro: "PrimaryKey")
        ).check()
    }
    #endif

    @Test(arguments: [
        Refusal(
            "@Table(.event) struct A { @PrimaryKey var id: UInt64; var »at: ScheduleAt }",
            .scheduledEvents(column: "at")),
        Refusal(
            "@Table struct A { @PrimaryKey var id: UInt64; var at: ScheduleAt; var »b: SpacetimeKit.ScheduleAt }",
            .secondSchedule(column: "b")),
        Refusal("@Table struct »A { var at: ScheduleAt }", .scheduleKey(row: "A")),
        Refusal("@Table struct A { @PrimaryKey var »id: UInt32; var at: ScheduleAt }", .scheduleKey(row: "A")),
        Refusal(
            "@Table(.primaryKey(\\.a, \\.b)) struct »A { var a: UInt64; var b: UInt64; var at: ScheduleAt }",
            .scheduleKey(row: "A")),
        Refusal(
            "@Table(.primaryKey(\\.a)) struct A { var »a: String; var at: ScheduleAt }", .scheduleKey(row: "A")),
    ])
    func rowsThatCannotBeDue(_ refusal: Refusal) { refusal.check() }

    @Test(arguments: [
        "@Table(.unscheduled) struct A { var at: ScheduleAt; var b: ScheduleAt }",
        "@Table(.unscheduled, .event) struct A { var at: ScheduleAt }",
        "@Table(.primaryKey(\\.a)) struct A { var a: UInt64; var at: ScheduleAt }",
        "@Table struct A { @PrimaryKey var a: MyKey; var at: ScheduleAt }",
    ])
    func rowsThatAreDueOrNotMeantToBe(_ source: String) { expectNoRefusal(source) }

    @Test(arguments: [
        Refusal("struct A { »@Unique var a: Int32 }", .orphanMarker(macro: "Unique")),
        Refusal("@SpacetimeType struct A { »@Indexed var a: Int32 }", .orphanMarker(macro: "Indexed")),
        Refusal("@Table struct A { var a: Int32; »@Unique var b: Int32 { 1 } }", .markerOnNonColumn(macro: "Unique")),
        Refusal(
            "@Table struct A { var a: Int32; »@Default(1) static let b: Int32 = 1 }",
            .markerOnNonColumn(macro: "Default")),
    ])
    func marksOutsideOfColumns(_ refusal: Refusal) { refusal.check() }

    @Test(arguments: [
        Refusal(
            "@Table(.index(\"i\", \\.a, »\\.c)) struct A { var a: Int32; var b: Int32 }",
            .unknownColumn("c", known: ["a", "b"])),
        Refusal("@Table(.index(\"i\", »\"a\")) struct A { var a: Int32 }", .notAColumnPath),
        Refusal("@Table(.index(\"i\", »\\.a.b)) struct A { var a: Int32 }", .notAColumnPath),
        Refusal("@Table(.unique(\"i\", \\.a, »\\.a)) struct A { var a: Int32 }", .repeatedColumn("a")),
        Refusal("@Table(».index(\"i\")) struct A { var a: Int32 }", .noColumnsInIndex("i")),
        Refusal("@Table(.index(»\"b c\", \\.a)) struct A { var a: Int32 }", .invalidName("b c")),
        Refusal("@Table(.index(»i, \\.a)) struct A { var a: Int32 }", .notALiteral(argument: "The handle's property")),
        Refusal("@Table(».index(\"a\", \\.a)) struct A { @Indexed var a: Int32 }", .duplicateAccessor("a")),
        Refusal(
            "@Table(.primaryKey(\\.a), ».unique(\"primaryKey\", \\.a)) struct A { var a: Int32 }",
            .duplicateAccessor("primaryKey")),
        Refusal("@Table(.public, ».private) struct A { var a: Int32 }", .publicAndPrivate),
        Refusal("@Table(».hidden) struct A { var a: Int32 }", .unknownOption(".hidden")),
        Refusal("@Table(name: »\"a-b\") struct A { var a: Int32 }", .invalidName("a-b")),
        Refusal("@Table(name: »\"\\(x)\") struct A { var a: Int32 }", .notALiteral(argument: "The table's name")),
    ])
    func optionsThatDoNotFitTheTable(_ refusal: Refusal) { refusal.check() }
}
