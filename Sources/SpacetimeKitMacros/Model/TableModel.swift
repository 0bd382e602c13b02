import SwiftSyntax
import SwiftSyntaxMacros

/// A `@Table` struct as the macro understands it.
struct TableModel {
    struct Column {
        let field: Field
        let defaultValue: ExprSyntax?
        let isAutoIncrement: Bool
    }

    struct Index {
        enum Kind { case plain, unique, primaryKey }

        /// The property of the handle.
        let name: String
        /// The property as it must be written in code.
        let code: String
        /// What the database is to call the index, if that is written.
        let databaseName: String?
        let columns: [Int]
        let algorithm: String
        let kind: Kind

        var isUnique: Bool { kind != .plain }
    }

    /// The struct's name as it must be written in code.
    let typeName: String
    let structName: String
    /// The table's name in the schema.
    let name: String
    let access: Access
    let isPublicTable: Bool
    let isEvent: Bool
    /// Whether columns of type `ScheduleAt` are values like any other.
    let isUnscheduled: Bool
    let columns: [Column]
    /// Unique single columns, then other indexed columns, then those of `.index` and so on, each as written. Generated
    /// code addresses an index by its place in this list.
    let indexes: [Index]
    /// The memberwise initialiser to generate; nil where Swift's own will do.
    let memberwise: MemberwiseInitializer?

    var fields: [Field] { columns.map(\.field) }
    var primaryKeyIndex: Int? { indexes.firstIndex { $0.kind == .primaryKey } }
    var autoIncrement: [Int] { columns.indices.filter { columns[$0].isAutoIncrement } }
}

extension TableModel {
    /// Reads the struct and notes whatever is wrong with it. The result is meaningful only if nothing was.
    init(
        _ declaration: StructDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems
    ) {
        let options = TableOptions(attribute, problems: &problems)
        let structName = declaration.name.plainName
        if ["Row", "Columns", "Handle", "PrimaryKey"].contains(structName) {
            problems.add(.reservedTypeName(structName), at: declaration.name)
        }
        if let generics = declaration.genericParameterClause {
            problems.add(.genericType(macro: "Table"), at: generics)
        }
        let fields = Field.all(in: declaration.memberBlock, problems: &problems)
        if fields.isEmpty, problems.isEmpty { problems.add(.noColumns, at: declaration.name) }

        let marked = fields.map { (field: $0, markers: Markers($0.declaration.attributes, problems: &problems)) }
        Self.check(marked, keyInOptions: options.indexes.contains { $0.kind == .primaryKey }, problems: &problems)
        Self.checkNames(of: fields, in: structName, problems: &problems)
        if !options.isUnscheduled { Self.checkSchedule(marked, options, at: declaration.name, problems: &problems) }
        var indexes = Self.columnIndexes(marked)
        let position = Dictionary(fields.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        for option in options.indexes {
            for path in option.columns where position[path.name] == nil {
                problems.add(.unknownColumn(path.name, known: fields.map(\.name)), at: path.node)
            }
            if let taken = indexes.first(where: { $0.name == option.name }) {
                problems.add(.duplicateAccessor(taken.name), at: option.node)
            }
            let columns = option.columns.compactMap { position[$0.name] }
            for field in columns.map({ fields[$0] })
            where option.kind != .plain && KeyTraits(field.type).isUnsuitableKey {
                problems.add(.unsuitableKey(column: field.name, type: field.typeText), at: option.node)
            }
            let algorithm = option.kind != .plain && columns.count == 1 ? "hash" : "btree"
            indexes.append(
                Index(
                    name: option.name, code: escaped(option.name), databaseName: option.databaseName, columns: columns,
                    algorithm: algorithm,
                    kind: option.kind))
        }

        typeName = declaration.name.text
        self.structName = structName
        name = options.name ?? structName
        access = Access(declaration.modifiers, in: lexicalContext).inlinableIfPossible(
            fields: fields, in: lexicalContext)
        isPublicTable = options.isPublic
        isEvent = options.isEvent
        isUnscheduled = options.isUnscheduled
        columns = marked.map {
            Column(
                field: $0.field, defaultValue: $0.markers.defaultValue,
                isAutoIncrement: $0.markers.autoIncrement != nil)
        }
        self.indexes = indexes
        memberwise = MemberwiseInitializer(of: declaration, fields: fields, access: access, in: lexicalContext)
    }

    private static func columnIndexes(_ marked: [(field: Field, markers: Markers)]) -> [Index] {
        var unique: [Index] = []
        var plain: [Index] = []
        for (position, (field, markers)) in marked.enumerated() {
            let isKey = markers.primaryKey != nil
            if isKey || markers.unique != nil {
                // Whole keys are looked up far more often than ranges of them.
                unique.append(
                    Index(
                        name: field.name, code: field.code, databaseName: markers.indexName, columns: [position],
                        algorithm: markers.algorithm ?? "hash", kind: isKey ? .primaryKey : .unique))
            } else if let algorithm = markers.algorithm {
                plain.append(
                    Index(
                        name: field.name, code: field.code, databaseName: markers.indexName, columns: [position],
                        algorithm: algorithm,
                        kind: .plain))
            }
        }
        return unique + plain
    }

    private static func check(
        _ marked: [(field: Field, markers: Markers)], keyInOptions: Bool, problems: inout Problems
    ) {
        var hasKey = keyInOptions
        for (field, markers) in marked {
            let traits = KeyTraits(field.type)
            if let key = markers.primaryKey {
                if hasKey { problems.add(.secondPrimaryKey, at: key) }
                hasKey = true
            }
            if let key = markers.primaryKey ?? markers.unique, traits.isUnsuitableKey {
                problems.add(.unsuitableKey(column: field.name, type: field.typeText), at: key)
            }
            if let attribute = markers.autoIncrement, traits.isNotInteger {
                problems.add(.autoIncrementNeedsInteger(column: field.name, type: field.typeText), at: attribute)
            }
            if markers.algorithm == "direct", let attribute = markers.indexed, traits.isNotDirect {
                problems.add(.directIndexNeedsUnsigned(column: field.name, type: field.typeText), at: attribute)
            }
            if let attribute = markers.defaultAttribute, markers.defaultValue?.is(NilLiteralExprSyntax.self) == true,
                traits.isNotOptional
            {
                problems.add(.nilForValue(column: field.name, type: field.typeText), at: attribute)
            }
            if let attribute = markers.defaultAttribute,
                (markers.primaryKey ?? markers.unique ?? markers.autoIncrement) != nil
            {
                problems.add(.defaultWithKey(column: field.name), at: attribute)
            }
        }
    }
}

extension TableModel {
    /// Refuses types whose names mean something else inside the struct, because the macro generates types of these
    /// names.
    private static func checkNames(of fields: [Field], in structName: String, problems: inout Problems) {
        for field in fields {
            for name in field.type.typeNames {
                if name.plainName == structName {
                    problems.add(.recursiveRow(column: field.name, row: structName), at: name)
                } else if ["Columns", "Handle", "PrimaryKey"].contains(name.plainName) {
                    problems.add(.hiddenType(name.plainName), at: name)
                }
            }
        }
    }

    /// Checks what a table with a column of type `ScheduleAt` needs beside it. Whether a reducer takes its rows is
    /// known to the module only, and checked when a database is opened.
    private static func checkSchedule(
        _ marked: [(field: Field, markers: Markers)], _ options: TableOptions, at name: TokenSyntax,
        problems: inout Problems
    ) {
        let times = marked.filter { $0.field.isScheduleAt }
        guard let time = times.first else { return }
        if options.isEvent { problems.add(.scheduledEvents(column: time.field.name), at: time.field.node) }
        for second in times.dropFirst() {
            problems.add(.secondSchedule(column: second.field.name), at: second.field.node)
        }
        let named = options.indexes.first { $0.kind == .primaryKey }?.columns.map(\.name)
        let keys = marked.filter { named?.contains($0.field.name) ?? ($0.markers.primaryKey != nil) }
        if keys.count != 1 {
            problems.add(.scheduleKey(row: name.plainName), at: name)
        } else if KeyTraits(keys[0].field.type).isNotUInt64 {
            problems.add(.scheduleKey(row: name.plainName), at: keys[0].field.node)
        }
    }
}

extension Access {
    /// Turns `public` into `publicInlinable` if everything around and inside the type is public, too.
    func inlinableIfPossible(fields: [Field], in lexicalContext: [Syntax]) -> Access {
        guard self == .public, fields.allSatisfy(\.isPublic), Access.isPublic(around: lexicalContext) else {
            return self
        }
        return .publicInlinable
    }

    /// Whether all that is around a declaration is public.
    static func isPublic(around lexicalContext: [Syntax]) -> Bool {
        lexicalContext.allSatisfy {
            guard let group = $0.asProtocol((any WithModifiersSyntax).self) else { return false }
            return Access(group.modifiers) == .public
        }
    }
}
