import SpacetimeSATS
import Testing

private let option = "01 02000000 00 04000000 736f6d65 0b 00 04000000 6e6f6e65 02 00000000"
private let scheduleAt = """
    01 02000000 00 08000000 496e74657276616c 02 01000000 00 18000000 \
    5f5f74696d655f6475726174696f6e5f6d6963726f735f5f 0c 00 04000000 54696d65 02 01000000 00 25000000 \
    5f5f74696d657374616d705f6d6963726f735f73696e63655f756e69785f65706f63685f5f 0c
    """

@Suite struct TypeTests {
    @Test(arguments: [
        (AlgebraicType.u8, "07"), (.ref(5), "0005000000"), (.bytes, "0307"), (.unit, "0200000000"),
        (.never, "0100000000"), (.product([("x", .i32)]), "02 01000000 00 01000000 78 0a"),
        (.product(ProductType([.init(name: nil, algebraicType: .bool)])), "02 01000000 01 05"),
        (.option(.u32), option), (.identity, "02 01000000 00 0c000000 5f5f6964656e746974795f5f 11"),
        (.scheduleAt, scheduleAt),
    ])
    func typesHaveTheirGoldenBytes(_ type: AlgebraicType, _ bytes: String) throws {
        #expect(type.bsatn() == hex(bytes))
        #expect(try AlgebraicType(bsatn: hex(bytes)) == type)
    }

    @Test func simpleTypesHaveTheTagsOfTheFormat() throws {
        let types: [AlgebraicType] = [
            .string, .bool, .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64, .i128, .u128, .i256, .u256, .f32, .f64,
        ]
        for (offset, type) in types.enumerated() {
            #expect(type.bsatn() == [UInt8(offset + 4)])
            #expect(try AlgebraicType(bsatn: [UInt8(offset + 4)]) == type)
        }
        #expect(throws: BSATNError.invalidTag(20, at: 0)) { try AlgebraicType(bsatn: [20]) }
    }

    @Test func theMetaTypeDescribesItsOwnBytes() throws {
        var builder = TypespaceBuilder()
        let meta = AlgebraicType.algebraicType(in: &builder)
        #expect(builder.names.map(\.name).contains("AlgebraicType"))
        var random = SplitMix64(seed: 7)
        for _ in 0..<200 {
            let type = random.type()
            let value = try AlgebraicValue(bsatn: type.bsatn(), type: meta, in: builder.typespace)
            #expect(value.bsatn() == type.bsatn())
            #expect(value.isValue(of: meta, in: builder.typespace))
        }
    }

    @Test(arguments: [
        (AlgebraicType.u8, #"{"U8":[]}"#), (.ref(5), #"{"Ref":5}"#), (.bytes, #"{"Array":{"U8":[]}}"#),
        (
            .product([("x", .u32)]),
            #"{"Product":{"elements":[{"name":{"some":"x"},"algebraic_type":{"U32":[]}}]}}"#
        ),
        (
            .option(.string),
            #"{"Sum":{"variants":[{"name":{"some":"some"},"algebraic_type":{"String":[]}},"#
                + #"{"name":{"some":"none"},"algebraic_type":{"Product":{"elements":[]}}}]}}"#
        ),
        (
            .product(ProductType([.init(name: nil, algebraicType: .bool)])),
            #"{"Product":{"elements":[{"name":{"none":[]},"algebraic_type":{"Bool":[]}}]}}"#
        ),
    ])
    func typesHaveTheirGoldenJSON(_ type: AlgebraicType, _ text: String) throws {
        #expect(try type.json(style: .host) == text)
        #expect(try AlgebraicType(json: text) == type)
    }

    @Test func aTypespaceIsAnObjectInJSON() throws {
        let typespace = Typespace([.u8, .ref(0)])
        #expect(try typespace.json(style: .host) == #"{"types":[{"U8":[]},{"Ref":0}]}"#)
        #expect(try Typespace(json: try typespace.json(style: .host)) == typespace)
    }

    @Test func deeplyNestedTypesAreRefused() throws {
        let arrays = { (depth: Int) in [UInt8](repeating: 3, count: depth) + [7] }
        _ = try AlgebraicType(bsatn: arrays(127))
        #expect(throws: BSATNError.tooDeep(limit: 128)) { try AlgebraicType(bsatn: arrays(128)) }
        #expect(throws: BSATNError.tooDeep(limit: 128)) { try AlgebraicType(bsatn: arrays(1_000_000)) }
    }

    @Test func sumsOfMoreVariantsThanTagsAreRefused() {
        let sum = AlgebraicType.sum(
            SumType([SumType.Variant](repeating: .init(name: nil, algebraicType: .unit), count: 257)))
        #expect(throws: BSATNError.tooManyVariants(count: 257)) { try AlgebraicType(bsatn: sum.bsatn()) }
        #expect(throws: TypeError.tooManyVariants(count: 257)) { try Typespace().resolved(sum) }
    }

    @Test func specialTypesAreRecognisedByTheirShapeAlone() {
        let special: [AlgebraicType] = [
            .identity, .connectionId, .timestamp, .timeDuration, .uuid, .scheduleAt, .option(.u8), .result(.u8, .u8),
        ]
        for type in special { #expect(type.isSpecial) }
        #expect(AlgebraicType.identity.isIdentity && !AlgebraicType.identity.isUuid)
        #expect(AlgebraicType.option(.u8).optionPayload == .u8)
        #expect(AlgebraicType.sum([("none", .unit), ("some", .u8)]).optionPayload == nil)
        #expect(!AlgebraicType.product([("__identity__", .u128)]).isSpecial)
        #expect(!AlgebraicType.product([("__identity__", .u256), ("x", .u8)]).isSpecial)
        #expect(!AlgebraicType.sum([("interval", .timeDuration), ("time", .timestamp)]).isScheduleAt)
        #expect(AlgebraicType.sum([("A", .unit)]).isSimpleEnum && !AlgebraicType.never.isSimpleEnum)
        #expect(!AlgebraicType.option(.unit).isNever && AlgebraicType.never.isNever && AlgebraicType.unit.isUnit)
    }

    @Test func referencesAreReplacedOrReported() throws {
        let typespace = Typespace([.product([("x", .ref(1))]), .u8, .array(.ref(2)), .ref(3), .ref(1)])
        #expect(try typespace.resolved(.ref(0)) == .product([("x", .u8)]))
        #expect(try typespace.resolved(.option(.ref(4))) == .option(.u8))
        #expect(throws: TypeError.recursive(2)) { try typespace.resolved(.ref(2)) }
        #expect(throws: TypeError.recursive(3)) { try typespace.resolved(.ref(3)) }
        #expect(throws: TypeError.unknownRef(9)) { try typespace.resolved(.array(.ref(9))) }
        let deep = (0..<200).reduce(AlgebraicType.u8) { type, _ in .array(type) }
        #expect(throws: TypeError.tooDeep(limit: 128)) { try typespace.resolved(deep) }
    }

    @Test func sizesAreKnownExactlyWhereAllValuesAgree() {
        #expect(AlgebraicType.scheduleAt.bsatnSize == 9)
        #expect(AlgebraicType.identity.bsatnSize == 32)
        #expect(AlgebraicType.option(.u8).bsatnSize == nil)
        #expect(AlgebraicType.option(.unit).bsatnSize == 1)
        #expect(AlgebraicType.product([("a", .u16), ("b", .f64)]).bsatnSize == 10)
        #expect(AlgebraicType.product([("a", .string)]).bsatnSize == nil)
        #expect(AlgebraicType.unit.bsatnSize == 0 && AlgebraicType.never.bsatnSize == nil)
        #expect(ScheduleAt.bsatnFixedSize == 9 && Identity.bsatnFixedSize == 32 && String.bsatnFixedSize == nil)
    }
}
