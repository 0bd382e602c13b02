import SpacetimeSATS
import Testing

private struct Point: SpacetimeType, Equatable {
    var x: Int32
    var y: UInt8

    init(x: Int32, y: UInt8) {
        self.x = x
        self.y = y
    }

    static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        types.declare(Self.self, name: "Point") { types in
            .product([("x", Int32.algebraicType(in: &types)), ("y", UInt8.algebraicType(in: &types))])
        }
    }
    init(from reader: inout BSATNReader) throws(BSATNError) {
        x = try Int32(from: &reader)
        y = try UInt8(from: &reader)
    }
    func encode(to writer: inout BSATNWriter) {
        x.encode(to: &writer)
        y.encode(to: &writer)
    }
    static var bsatnFixedSize: Int? { 5 }
}

private struct Tree: SpacetimeType, Equatable {
    var label: String
    var children: [Tree]

    init(_ label: String, _ children: [Tree] = []) {
        self.label = label
        self.children = children
    }

    static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        types.declare(Self.self, name: "Tree") { types in
            .product([("label", String.algebraicType(in: &types)), ("children", [Tree].algebraicType(in: &types))])
        }
    }
    init(from reader: inout BSATNReader) throws(BSATNError) {
        label = try String(from: &reader)
        children = try [Tree](from: &reader)
    }
    func encode(to writer: inout BSATNWriter) {
        label.encode(to: &writer)
        children.encode(to: &writer)
    }
}

private struct Failure: Error, SpacetimeType, Equatable {
    static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .unit }
    init() {}
    init(from reader: inout BSATNReader) throws(BSATNError) {}
    func encode(to writer: inout BSATNWriter) {}
    static var bsatnFixedSize: Int? { 0 }
}

@Suite struct SpacetimeTypeTests {
    private func expectRoundTrip<T: SpacetimeType & Equatable>(_ value: T) throws {
        let bytes = value.bsatn()
        #expect(try T(bsatn: bytes) == value)
        if let size = T.bsatnFixedSize { #expect(bytes.count == size) }
        var builder = TypespaceBuilder()
        let type = T.algebraicType(in: &builder)
        #expect(try AlgebraicValue(bsatn: bytes, type: type, in: builder.typespace).bsatn() == bytes)
    }

    @Test func everyConformanceReadsBackWhatItWrites() throws {
        try expectRoundTrip(Int8.min)
        try expectRoundTrip(UInt16.max)
        try expectRoundTrip(Int64.min)
        try expectRoundTrip(UInt128.max)
        try expectRoundTrip(Int128.min)
        try expectRoundTrip(UInt256.max)
        try expectRoundTrip(Int256.min)
        try expectRoundTrip(Float(0.1))
        try expectRoundTrip(-Double.infinity)
        try expectRoundTrip(["", "a", "é", String(repeating: "long ", count: 100)])
        try expectRoundTrip([[1, 2, 3], [], [4]] as [[UInt8]])
        try expectRoundTrip([1, -1] as [Int128])
        try expectRoundTrip([UInt256.max, 1])
        try expectRoundTrip([true, false])
        try expectRoundTrip([1.5, -0.0] as [Double])
        try expectRoundTrip([nil, "x"] as [String?])
        try expectRoundTrip(Result<UInt8, Failure>.success(1))
        try expectRoundTrip(Result<UInt8, Failure>.failure(Failure()))
        try expectRoundTrip(SpacetimeResult<[String], UInt8>.ok(["a"]))
        try expectRoundTrip([Failure(), Failure()])
        try expectRoundTrip(Point(x: -1, y: 2))
        try expectRoundTrip([Point(x: -1, y: 2), Point(x: 3, y: 4)])
        try expectRoundTrip(Tree("root", [Tree("a"), Tree("b", [Tree("c")])]))
        try expectRoundTrip(ScheduleAt.time(.unixEpoch))
        try expectRoundTrip([Identity(number: 5), .zero])
    }

    @Test func aTypeIsDeclaredOnceAndMayReferToItself() {
        var builder = TypespaceBuilder()
        #expect(Tree.algebraicType(in: &builder) == .ref(0))
        #expect([Point].algebraicType(in: &builder) == .array(.ref(1)))
        #expect(Tree.algebraicType(in: &builder) == .ref(0))
        #expect(builder.names.map(\.name) == ["Tree", "Point"])
        #expect(builder.typespace[0] == .product([("label", .string), ("children", .array(.ref(0)))]))
    }

    @Test func aRecursiveValueOfHostileDepthIsRefused() {
        // Each level is an empty label and an array of one child.
        let level: [UInt8] = [0, 0, 0, 0, 1, 0, 0, 0]
        let bytes = Array(repeatElement(level, count: 200_000).joined())
        #expect(throws: BSATNError.tooDeep(limit: 128)) { try Tree(bsatn: bytes) }
    }

    @Test func swiftTypesSpeakJSON() throws {
        let tree = Tree("root", [Tree("a")])
        #expect(try tree.json(style: .host) == #"{"label":"root","children":[{"label":"a","children":[]}]}"#)
        #expect(try Tree(json: #"["root",[{"children":[],"label":"a"}]]"#) == tree)
        #expect(throws: JSONError.self) { try Tree(json: "[]") }
    }

    @Test func theReaderLendsBytesWithoutCopying() throws {
        var writer = BSATNWriter(reservingCapacity: 4)
        writer.write([9, 8, 7] as [UInt8])
        writer.append([1, 2] as [UInt8])
        #expect(writer.count == 9)
        var reader = BSATNReader(writer.bytes)
        let span = try reader.readCountedSpan()
        #expect(span.byteCount == 3)
        #expect(reader.offset == 7 && reader.remaining == 2)
        #expect(throws: BSATNError.truncated(at: 7, needed: 3)) { try reader.skip(3) }
        try reader.skip(2)
        try reader.finish()
    }

    @Test func aWriterGrowsTruncatesAndIsReused() {
        var writer = BSATNWriter()
        #expect(writer.toArray() == [])
        for index in 0..<1_000 { writer.write(UInt64(index)) }
        #expect(writer.count == 8_000)
        writer.overwrite(7, at: 0)
        writer.truncate(to: 8)
        #expect(writer.toArray() == [7, 0, 0, 0, 0, 0, 0, 0])
        writer.removeAll()
        writer.write("x")
        #expect(writer.toArray() == [1, 0, 0, 0, 120])
        writer.removeAll(keepingCapacity: false)
        writer.write(true)
        #expect(writer.toArray() == [1])
        writer.append(upTo: 100) { room in
            room[0] = 2
            room[1] = 3
            return 2
        }
        #expect(writer.toArray() == [1, 2, 3])
        writer.append(upTo: 0) { room in room.count }
        #expect(writer.count == 3)
        writer.withUnsafeMutableBytes { $0[0] = 9 }
        #expect(writer.withUnsafeBytes { $0[0] } == 9)
    }

    @Test func hotTypesKeepTheirSize() {
        #expect(MemoryLayout<AlgebraicValue>.size <= 17)
        #expect(MemoryLayout<AlgebraicType>.size <= 9)
        #expect(MemoryLayout<UInt256>.size == 32 && MemoryLayout<UInt256>.alignment == 8)
        #expect(MemoryLayout<BSATNWriter>.size == 24)
    }
}
