public import SpacetimeSATS

/// A table whose rows are of a Swift type: what typed reads, changes and queries of a client are asked with.
///
/// ```swift
/// let users = try TableDescription(User.self, name: "user", primaryKey: "identity", indexes: ["name"])
/// ```
///
/// Any type whose fields are the table's columns in order will do. Rows become values when they are read, not before.
public struct TableDescription<Row: SpacetimeType>: Sendable {
    /// What is known of the table without its type.
    public let layout: TableLayout

    /// What the server calls the table.
    public var name: String { layout.name }

    /// Describes a table by the type of its rows.
    ///
    /// - Parameters:
    ///   - row: a type whose fields are the columns, of the same names.
    ///   - name: what the server calls the table.
    ///   - primaryKey: the name of the column that tells rows apart, or the names of several, if there are such.
    ///   - indexes: the names of the columns that rows are to be found by, unique or not: `["name", ["room", "sent"]]`.
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/badDescription`` if the type is no product of named fields, or
    ///   a name is not that of a field.
    public init(
        _ row: Row.Type, name: String, primaryKey: TableKey? = nil, indexes: [TableKey] = []
    ) throws(ClientError) {
        var types = TypespaceBuilder()
        let type = Row.algebraicType(in: &types)
        guard case .product(let product)? = types.typespace.following(type) else {
            throw ClientError(
                .badDescription, "\(Row.self) cannot be a row of table \(name): it is no product of fields")
        }
        let columns = product.elements.enumerated().map { place, element in
            TableLayout.Column(name: element.name ?? "column\(place)", type: element.algebraicType)
        }
        layout = try TableLayout(
            name: name, columns: columns, typespace: types.typespace, primaryKey: primaryKey, indexes: indexes)
    }

    /// A table that is described already.
    ///
    /// - Parameters:
    ///   - row: a type whose fields are the columns, in order.
    ///   - layout: what is known of the table.
    public init(_ row: Row.Type, layout: TableLayout) { self.layout = layout }
}
