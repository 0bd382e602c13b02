import SpacetimeSchema

// Memory safety. Valid images: the way leads through the values of a whole row.

/// The way to a field of the rows of one table, worked out once.
struct RowField: Sendable {
    let column: Int
    /// The way into the column's value; each step with the type that it starts from.
    private let steps: [(step: FieldPath.Step, from: Int32)]
    /// The type of what is at its end.
    let node: Int32

    /// Nil if the table has no such field.
    init?(_ path: FieldPath, _ schema: TableSchema, _ layout: borrowing RowLayout) {
        guard schema.columns.indices.contains(path.column.index) else { return nil }
        let program = layout.program
        var node = layout.columns[path.column.index].node
        var steps: [(step: FieldPath.Step, from: Int32)] = []
        for step in path.steps {
            let entry = program.nodes[Int(node)]
            let child: Int
            switch step {
            case .field(let position) where entry.kind == .product: child = position
            case .payload(let tag) where entry.kind == .sum: child = Int(tag)
            default: return nil
            }
            guard child < Int(entry.childCount) else { return nil }
            steps.append((step, node))
            node = program.children[Int(entry.firstChild) + child]
        }
        column = path.column.index
        self.steps = steps
        self.node = node
    }

    /// Where the field is in a row; nil if the row has another case there.
    ///
    /// - Parameter onCase: called for each variant on the way that the row has.
    @inline(__always)
    func locate(
        in row: UnsafeRawPointer, _ layout: borrowing RowLayout, onCase: () -> Void = {}
    ) -> UnsafeRawPointer? {
        var address = unsafe row + layout.offset(of: column, in: row)
        for (step, node) in steps {
            switch step {
            case .field(let position):
                let firstChild = Int(layout.program.nodes[Int(node)].firstChild)
                for i in 0..<position {
                    unsafe address += layout.program.size(layout.program.children[firstChild + i], at: address)
                }
            case .payload(let tag):
                guard unsafe address.load(as: UInt8.self) == tag else { return nil }
                onCase()
                unsafe address += 1
            }
        }
        return unsafe address
    }
}
