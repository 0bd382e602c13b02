/// Source text of what `@Table` adds.
struct TableSource {
    let table: TableModel

    private var access: Access { table.access }

    var additions: Additions {
        Additions(
            members: (table.memberwise?.members ?? []) + [definition] + codec.members + generatedColumns
                + [columnsStruct, handleStruct] + primaryKeyMembers,
            protocols: table.primaryKeyIndex == nil ? ["TableRow"] : ["TableRow", "KeyedTableRow"],
            extensionBody: codec.initializer)
    }

    private var primaryKeyMembers: [String] {
        guard let index = table.primaryKeyIndex else { return [] }
        return [
            "\(access.plainPrefix)typealias PrimaryKey = \(keyType(table.indexes[index]))",
            """
            \(access.memberPrefix)static var _spacetimePrimaryKeyIndex: Swift.Int {
                \(index)
            }
            """,
        ]
    }

    private var codec: ProductCodec {
        ProductCodec(
            name: table.name, isGeneratedName: table.name != table.structName, fields: table.fields, access: access)
    }

    private var definition: String {
        """
        \(access.plainMemberPrefix)static var tableDefinition: SpacetimeKit.TableDefinition {
            SpacetimeKit.TableDefinition(
                name: \(quoted(table.name)),
                access: .\(table.isPublicTable ? "public" : "private"),
                isEvent: \(table.isEvent),\(table.isUnscheduled ? "\n        isUnscheduled: true," : "")
                columns: [
                    \(table.columns.map(column).lines(indentedBy: 3))
                ],
                primaryKey: \(table.primaryKeyIndex.map { list(table.indexes[$0].columns) } ?? "[]"),
                uniqueConstraints: [\(unique)],
                autoIncrement: \(list(table.autoIncrement)),
                indexes: \(block("[", table.indexes.map(index), "]").indented(2)))
        }
        """
    }

    private var unique: String {
        table.indexes.filter(\.isUnique).map { list($0.columns) }.joined(separator: ", ")
    }

    private func list(_ numbers: [Int]) -> String { "[\(numbers.map(String.init).joined(separator: ", "))]" }

    private func column(_ column: TableModel.Column) -> String {
        let value = column.defaultValue.map { ", default: \($0) as \(column.field.typeText)" } ?? ""
        return "SpacetimeKit.ColumnDefinition(\(quoted(column.field.name))\(value)),"
    }

    private func index(_ index: TableModel.Index) -> String {
        "SpacetimeKit.IndexDefinition(\(index.databaseName.map { "name: \(quoted($0)), " } ?? "")"
            + "columns: \(list(index.columns)), "
            + "algorithm: .\(index.algorithm), accessor: \(quoted(index.name))),"
    }

    private var generatedColumns: [String] {
        guard !table.autoIncrement.isEmpty else { return [] }
        return [
            """
            \(access.memberPrefix)static var _spacetimeHasGeneratedColumns: Swift.Bool {
                true
            }
            """
        ]
    }

    private var columnsStruct: String {
        let properties = table.fields.enumerated().map { position, field in
            """
            \(access.prefix)var \(field.code): SpacetimeKit.Column<\(table.typeName), \(field.typeText)> {
                .init(\(position))
            }
            """
        }
        return """
            \(access.plainMemberPrefix)struct Columns: Swift.Sendable {
                \(access.prefix)init() {
                }
                \(properties.lines(indentedBy: 1))
            }
            """
    }

    private var handleStruct: String {
        let properties = table.indexes.enumerated().map { position, index in
            """
            \(access.prefix)var \(index.code): \(accessorType(index)) {
                @inline(__always) get { .init(_spacetimeReference, index: \(position)) }
            }
            """
        }
        let head = """
            \(access.plainPrefix)typealias Row = \(table.typeName)
            \(access.plainPrefix)let _spacetimeReference: SpacetimeKit.TableReference
            \(access.prefix)init(_spacetimeReference reference: SpacetimeKit.TableReference) {
                self._spacetimeReference = reference
            }
            """
        return block("\(access.plainMemberPrefix)struct Handle: SpacetimeKit.TableHandle {", [head] + properties)
    }

    private func accessorType(_ index: TableModel.Index) -> String {
        let composite = index.columns.count > 1 ? "Composite" : ""
        return "SpacetimeKit.\(index.isUnique ? "Unique" : "")\(composite)Index<\(table.typeName), \(keyType(index))>"
    }

    /// The type of the index's column, or the list of its columns' types.
    private func keyType(_ index: TableModel.Index) -> String {
        let types = index.columns.map { table.fields[$0].typeText }
        return types.count == 1
            ? types[0] : "SpacetimeKit.KeyColumns\(min(types.count, 5))<\(types.joined(separator: ", "))>"
    }
}
