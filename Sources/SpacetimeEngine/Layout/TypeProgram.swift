import SpacetimeSATS

// Memory safety. Valid images: `size` follows lengths and tags of a whole value. Checked bytes: `validate` compares
// each length with what is left before it reads.

/// A `Ref`-free type flattened into an array of nodes, so that walking a BSATN image follows small integers instead of
/// boxed enum cases.
///
/// Four walks exist: `size` over a value that is known to be valid, `validate` over bytes from outside, `appendKey`, which
/// turns a value into bytes whose order is the order of the values (see `KeyEncoding`), and `compare`, which tells that
/// order without making them.
struct TypeProgram {
    enum Kind: UInt8 {
        case bool, unsigned, signed, float, string, bytes, array, product, sum
    }

    struct Node {
        var kind: Kind
        /// Bytes of every value, or -1 if values differ in size.
        var fixedSize: Int32
        /// Where the children start in `children`.
        var firstChild: Int32 = 0
        var childCount: Int32 = 0
        /// True if any byte string of the fixed size is a value: nothing to check but the length.
        var isUnchecked: Bool
        /// True if equal values always have equal bytes (no float inside).
        var isCanonical: Bool
    }

    private(set) var nodes: [Node] = []
    private(set) var children: [Int32] = []

    /// Adds a type and returns its node.
    ///
    /// - Throws: `reason` text if the type is not finite (`ref`), nested deeper than `depthLimit`, or has more than
    ///   `nodeLimit` parts.
    mutating func add(_ type: AlgebraicType, depth: Int = 0) throws(TypeProgramError) -> Int32 {
        guard depth < Self.depthLimit else { throw .tooDeep }
        guard nodes.count < Self.nodeLimit else { throw .tooLarge }
        let index = Int32(nodes.count)
        func leaf(_ kind: Kind, _ size: Int32, unchecked: Bool = true, canonical: Bool = true) -> Node {
            Node(kind: kind, fixedSize: size, isUnchecked: unchecked, isCanonical: canonical)
        }
        switch type {
        case .ref: throw .unresolvedReference
        case .bool: nodes.append(leaf(.bool, 1, unchecked: false))
        case .u8: nodes.append(leaf(.unsigned, 1))
        case .u16: nodes.append(leaf(.unsigned, 2))
        case .u32: nodes.append(leaf(.unsigned, 4))
        case .u64: nodes.append(leaf(.unsigned, 8))
        case .u128: nodes.append(leaf(.unsigned, 16))
        case .u256: nodes.append(leaf(.unsigned, 32))
        case .i8: nodes.append(leaf(.signed, 1))
        case .i16: nodes.append(leaf(.signed, 2))
        case .i32: nodes.append(leaf(.signed, 4))
        case .i64: nodes.append(leaf(.signed, 8))
        case .i128: nodes.append(leaf(.signed, 16))
        case .i256: nodes.append(leaf(.signed, 32))
        case .f32: nodes.append(leaf(.float, 4, canonical: false))
        case .f64: nodes.append(leaf(.float, 8, canonical: false))
        case .string: nodes.append(leaf(.string, -1, unchecked: false))
        case .array(.u8): nodes.append(leaf(.bytes, -1, unchecked: false))
        case .array(let element):
            nodes.append(leaf(.array, -1, unchecked: false))
            let child = try add(element, depth: depth + 1)
            setChildren(of: index, to: [child])
            nodes[Int(index)].isCanonical = nodes[Int(child)].isCanonical
        case .product(let product):
            nodes.append(leaf(.product, 0))
            var list: [Int32] = []
            list.reserveCapacity(product.elements.count)
            for element in product.elements { list.append(try add(element.algebraicType, depth: depth + 1)) }
            setChildren(of: index, to: list)
            var size: Int32 = 0
            for child in list {
                let node = nodes[Int(child)]
                let (sum, overflow) = size.addingReportingOverflow(node.fixedSize)
                size = size < 0 || node.fixedSize < 0 || overflow ? -1 : sum
                if !node.isUnchecked { nodes[Int(index)].isUnchecked = false }
                if !node.isCanonical { nodes[Int(index)].isCanonical = false }
            }
            nodes[Int(index)].fixedSize = size
        case .sum(let sum):
            nodes.append(leaf(.sum, -1, unchecked: false))
            var list: [Int32] = []
            for variant in sum.variants { list.append(try add(variant.algebraicType, depth: depth + 1)) }
            setChildren(of: index, to: list)
            var size: Int32? = nil
            for child in list {
                let node = nodes[Int(child)]
                if !node.isCanonical { nodes[Int(index)].isCanonical = false }
                if size == nil { size = node.fixedSize } else if size != node.fixedSize { size = -1 }
            }
            if let size, size >= 0, size < Int32.max { nodes[Int(index)].fixedSize = size + 1 }
        }
        return index
    }

    private mutating func setChildren(of index: Int32, to list: [Int32]) {
        nodes[Int(index)].firstChild = Int32(children.count)
        nodes[Int(index)].childCount = Int32(list.count)
        children += list
    }

    /// Deeper types are refused, so that the recursive walks have a bounded stack.
    static let depthLimit = 128
    static let nodeLimit = 1 << 20
}

enum TypeProgramError: Error, Equatable {
    case unresolvedReference, tooDeep, tooLarge

    var reason: String {
        switch self {
        case .unresolvedReference: "a column type is recursive or refers to an unknown type; store a key instead"
        case .tooDeep: "a column type is nested deeper than \(TypeProgram.depthLimit) levels; flatten it"
        case .tooLarge: "a column type has more than \(TypeProgram.nodeLimit) parts; split the table"
        }
    }
}

extension TypeProgram {
    /// Bytes that the value at `address` takes. The image must be valid: it was validated or encoded by typed code.
    func size(_ node: Int32, at address: UnsafeRawPointer) -> Int {
        let entry = nodes[Int(node)]
        if entry.fixedSize >= 0 { return Int(entry.fixedSize) }
        switch entry.kind {
        case .bool, .unsigned, .signed, .float: return 0
        case .string, .bytes: return unsafe 4 &+ Int(address.loadUnaligned(as: UInt32.self))
        case .array:
            let count = unsafe Int(address.loadUnaligned(as: UInt32.self))
            let child = children[Int(entry.firstChild)]
            let size = Int(nodes[Int(child)].fixedSize)
            if size >= 0 { return 4 &+ count &* size }
            var offset = 4
            for _ in 0..<count { unsafe offset &+= self.size(child, at: address + offset) }
            return offset
        case .product:
            var offset = 0
            for i in 0..<Int(entry.childCount) {
                unsafe offset &+= size(children[Int(entry.firstChild) &+ i], at: address + offset)
            }
            return offset
        case .sum:
            let tag = unsafe Int(address.load(as: UInt8.self))
            return unsafe 1 &+ size(children[Int(entry.firstChild) &+ tag], at: address + 1)
        }
    }

    /// Checks one value that starts at `offset` and moves `offset` behind it.
    ///
    /// - Throws: what is wrong and where. Never reads past the end, whatever the bytes say.
    func validate(_ node: Int32, in bytes: UnsafeRawBufferPointer, at offset: inout Int) throws(BSATNError) {
        var emptyValues = 0
        try unsafe validate(node, in: bytes, at: &offset, &emptyValues)
    }

    /// The same for one of several values that follow each other, such as the columns of a row.
    ///
    /// - Parameter emptyValues: how many values that take no bytes there were so far. The limit is for all together, as it
    ///   is for whoever reads the row.
    func validate(
        _ node: Int32, in bytes: UnsafeRawBufferPointer, at offset: inout Int, _ emptyValues: inout Int
    ) throws(BSATNError) {
        let entry = nodes[Int(node)]
        let remaining = bytes.count - offset
        if entry.isUnchecked, entry.fixedSize >= 0 {
            guard remaining >= Int(entry.fixedSize) else { throw .truncated(at: offset, needed: Int(entry.fixedSize)) }
            offset += Int(entry.fixedSize)
            return
        }
        switch entry.kind {
        case .bool:
            guard remaining >= 1 else { throw .truncated(at: offset, needed: 1) }
            guard unsafe bytes[offset] <= 1 else { throw unsafe .invalidBool(bytes[offset], at: offset) }
            offset += 1
        case .unsigned, .signed, .float:
            guard remaining >= Int(entry.fixedSize) else { throw .truncated(at: offset, needed: Int(entry.fixedSize)) }
            offset += Int(entry.fixedSize)
        case .string, .bytes:
            let count = try unsafe validatedCount(in: bytes, at: offset, elementSize: 1)
            let text = unsafe UnsafeRawBufferPointer(rebasing: bytes[(offset + 4)..<(offset + 4 + count)])
            if entry.kind == .string, unsafe !isValidUTF8(text) { throw .invalidUTF8(at: offset + 4) }
            offset += 4 + count
        case .array:
            let child = children[Int(entry.firstChild)]
            let element = nodes[Int(child)]
            let count = try unsafe validatedCount(in: bytes, at: offset, elementSize: max(0, Int(element.fixedSize)))
            offset += 4
            if element.fixedSize == 0 {
                // Four bytes could claim four billion elements, and walks would go through all of them.
                emptyValues += count * (1 + emptyValueCount(child))
                guard emptyValues <= BSATNReader.emptyElementLimit + offset else {
                    throw .tooManyEmptyElements(count: emptyValues, limit: BSATNReader.emptyElementLimit)
                }
            } else if element.isUnchecked, element.fixedSize > 0 {
                offset += count * Int(element.fixedSize)
            } else {
                // Every element takes at least one byte, or the loop ends with `truncated`.
                for _ in 0..<count { try unsafe validate(child, in: bytes, at: &offset, &emptyValues) }
            }
        case .product:
            for i in 0..<Int(entry.childCount) {
                try unsafe validate(children[Int(entry.firstChild) + i], in: bytes, at: &offset, &emptyValues)
            }
        case .sum:
            guard remaining >= 1 else { throw .truncated(at: offset, needed: 1) }
            let tag = unsafe bytes[offset]
            guard Int(tag) < Int(entry.childCount) else { throw .invalidTag(tag, at: offset) }
            offset += 1
            try unsafe validate(children[Int(entry.firstChild) + Int(tag)], in: bytes, at: &offset, &emptyValues)
        }
    }

    /// How many values a value without bytes consists of: what the reader of dynamic values counts.
    private func emptyValueCount(_ node: Int32) -> Int {
        let entry = nodes[Int(node)]
        if entry.childCount == 0 { return 1 }
        return (0..<Int(entry.childCount)).reduce(0) { $0 + emptyValueCount(children[Int(entry.firstChild) + $1]) }
    }

    private func validatedCount(
        in bytes: UnsafeRawBufferPointer, at offset: Int, elementSize: Int
    ) throws(BSATNError) -> Int {
        guard bytes.count - offset >= 4 else { throw .truncated(at: offset, needed: 4) }
        let count = unsafe Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        let (needed, overflow) = count.multipliedReportingOverflow(by: elementSize)
        guard !overflow, needed <= bytes.count - offset - 4 else {
            throw .truncated(at: offset + 4, needed: overflow ? Int.max : needed)
        }
        return count
    }
}

/// Whether the bytes are well-formed UTF-8. ASCII is checked eight bytes at a time.
func isValidUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    while index &+ 8 <= bytes.count,
        unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
    {
        index &+= 8
    }
    while index < bytes.count, unsafe bytes[index] < 0x80 { index &+= 1 }
    if index == bytes.count { return true }
    let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[index...])
    return unsafe String(validating: rest.bindMemory(to: UInt8.self), as: UTF8.self) != nil
}
