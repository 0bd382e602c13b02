import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Valid images: hops follow the lengths and tags of a whole row, or of a whole value.

/// The way to a field: a constant number of bytes, and then hops over what differs in size from row to row.
///
/// Free of references into the table: its hops are kept by whoever made it.
struct FieldLocator: BitwiseCopyable {
    /// Bytes in front of the field, or in front of the first hop.
    var start = 0
    var firstHop: Int32 = 0
    var hopCount: Int32 = 0
    /// The type of the field.
    var node: Int32 = 0
}

/// A step of a way to a field.
struct FieldHop: BitwiseCopyable {
    enum Kind: UInt8 {
        /// Over a text, bytes, or an array of elements of one size.
        case counted
        /// Over a value of any type.
        case value
        /// Into the payload of a variant.
        case payload
    }

    var kind: Kind
    /// Bytes of a counted element, the type of the value, or the tag.
    var argument: Int32
    /// Bytes that lie behind it, up to the next hop or to the field.
    var gap = 0
}

extension Buffer<FieldHop> {
    /// Where a field is; nil if the row has another variant.
    @inline(__always)
    func find(
        _ field: FieldLocator, in row: UnsafeRawPointer, _ program: borrowing TypeProgram
    ) -> UnsafeRawPointer? {
        field.hopCount == 0 ? unsafe row + field.start : unsafe follow(field, in: row, program)
    }

    @inline(never)
    private func follow(
        _ field: FieldLocator, in row: UnsafeRawPointer, _ program: borrowing TypeProgram
    ) -> UnsafeRawPointer? {
        var address = unsafe row + field.start
        for number in Int(field.firstHop)..<Int(field.firstHop &+ field.hopCount) {
            let hop = self[number]
            switch hop.kind {
            case .counted:
                let count = unsafe Int(address.loadUnaligned(as: UInt32.self))
                unsafe address += 4 &+ count &* Int(hop.argument) &+ hop.gap
            case .value: unsafe address += program.size(hop.argument, at: address) &+ hop.gap
            case .payload:
                guard unsafe Int32(address.load(as: UInt8.self)) == hop.argument else { return nil }
                unsafe address += 1 &+ hop.gap
            }
        }
        return unsafe address
    }
}

/// Makes ways to fields, which share one list of hops.
struct FieldLocators {
    private(set) var hops: [FieldHop] = []

    /// - Parameters:
    ///   - types: of the columns.
    ///   - nodes: of the columns in the program.
    /// - Returns: the way, and the type of what is there; nil if there is no such field.
    mutating func locate(
        _ path: FieldPath, _ types: [AlgebraicType], _ nodes: [Int32], _ program: borrowing TypeProgram
    ) -> (FieldLocator, AlgebraicType)? {
        let column = path.column.index
        guard types.indices.contains(column) else { return nil }
        let first = hops.count
        var field = FieldLocator(firstHop: Int32(first))
        for before in nodes[..<column] { pass(before, &field, program) }
        var type = types[column]
        field.node = nodes[column]
        for step in path.steps {
            let firstChild = Int(program.nodes[Int(field.node)].firstChild)
            switch (step, type) {
            case (.field(let index), .product(let product)) where product.elements.indices.contains(index):
                for before in 0..<index { pass(program.children[firstChild + before], &field, program) }
                type = product.elements[index].algebraicType
                field.node = program.children[firstChild + index]
            case (.payload(let tag), .sum(let sum)) where sum.variants.indices.contains(Int(tag)):
                hops.append(FieldHop(kind: .payload, argument: Int32(tag)))
                type = sum.variants[Int(tag)].algebraicType
                field.node = program.children[firstChild + Int(tag)]
            default:
                hops.removeLast(hops.count - first)
                return nil
            }
        }
        field.hopCount = Int32(hops.count - first)
        return (field, type)
    }

    /// Extends a way by the bytes of a value.
    private mutating func pass(_ node: Int32, _ field: inout FieldLocator, _ program: borrowing TypeProgram) {
        let size = program.nodes[Int(node)].fixedSize
        if size < 0 {
            let element = program.countedElementSize(node)
            hops.append(FieldHop(kind: element == nil ? .value : .counted, argument: element ?? node))
        } else if hops.count > Int(field.firstHop) {
            hops[hops.count - 1].gap += Int(size)
        } else {
            field.start += Int(size)
        }
    }
}
