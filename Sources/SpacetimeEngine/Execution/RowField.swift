import SpacetimeSchema

// Memory safety. Valid images: the way leads through the values of a whole row.

/// The way to a field of the rows of one table, worked out once.
struct RowField: Sendable {
    let column: Int
    /// The way into the column's value; each step with the type that it starts from.
    private let steps: [(step: FieldPath.Step, from: Int32)]
    /// The type of what is at its end.
    let node: Int32
    /// Where it is in every row, or -1 if that differs.
    let fixedOffset: Int32

    /// True if every row has a value there.
    var isTotal: Bool { steps.allSatisfy { if case .field = $0.step { true } else { false } } }

    /// Nil if the table has no such field.
    init?(_ path: FieldPath, _ schema: TableSchema, _ layout: borrowing RowLayout) {
        guard schema.columns.indices.contains(path.column.index) else { return nil }
        let program = layout.program
        var node = layout.columns[path.column.index].node
        var steps: [(step: FieldPath.Step, from: Int32)] = []
        var offset = layout.columns[path.column.index].fixedOffset
        for step in path.steps {
            let entry = program.nodes[Int(node)]
            let child: Int
            switch step {
            case .field(let position) where entry.kind == .product: child = position
            case .payload(let tag) where entry.kind == .sum: child = Int(tag)
            default: return nil
            }
            guard child >= 0, child < Int(entry.childCount) else { return nil }
            for before in 0..<child where offset >= 0 {
                let size = program.nodes[Int(program.children[Int(entry.firstChild) + before])].fixedSize
                offset = size >= 0 ? offset + size : -1
            }
            if case .payload = step { offset = -1 }
            steps.append((step, node))
            node = program.children[Int(entry.firstChild) + child]
        }
        column = path.column.index
        self.steps = steps
        self.node = node
        fixedOffset = offset
    }

    /// Where the field is in a row; nil if the row has another case there.
    ///
    /// - Parameter onCase: called for each variant on the way that the row has.
    @inline(__always)
    func locate(
        in row: UnsafeRawPointer, _ layout: borrowing RowLayout, onCase: () -> Void = {}
    ) -> UnsafeRawPointer? {
        if fixedOffset >= 0 { return unsafe row + Int(fixedOffset) }
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
