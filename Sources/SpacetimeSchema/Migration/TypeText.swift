package import SpacetimeSATS

/// Types and columns as Swift spells them, for messages about them.
extension AlgebraicType {
    /// `UInt32`, `String?`, `(x: Float, y: Float)`, `calm | said(String)`. What is nested deeply is left out.
    package var swiftText: String { swiftText(depth: 3) }

    private func swiftText(depth: Int) -> String {
        if let name = scalarName ?? specialName { return name }
        guard depth > 0 else { return "…" }
        if let payload = optionPayload { return payload.swiftText(depth: depth) + "?" }
        if let (ok, err) = resultPayloads {
            return "Result<\(ok.swiftText(depth: depth - 1)), \(err.swiftText(depth: depth - 1))>"
        }
        switch self {
        case .array(let element): return "[\(element.swiftText(depth: depth))]"
        case .product(let product):
            let fields = product.elements.map { field in
                (field.name.map { $0 + ": " } ?? "") + field.algebraicType.swiftText(depth: depth - 1)
            }
            return "(" + fields.joined(separator: ", ") + ")"
        case .sum(let sum):
            let cases = sum.variants.map { variant in
                (variant.name ?? "")
                    + (variant.algebraicType.isUnit ? "" : "(\(variant.algebraicType.swiftText(depth: depth - 1)))")
            }
            return cases.joined(separator: " | ")
        default: return "\(self)"
        }
    }

    private var scalarName: String? {
        switch self {
        case .string: "String"
        case .bool: "Bool"
        case .i8: "Int8"
        case .u8: "UInt8"
        case .i16: "Int16"
        case .u16: "UInt16"
        case .i32: "Int32"
        case .u32: "UInt32"
        case .i64: "Int64"
        case .u64: "UInt64"
        case .i128: "Int128"
        case .u128: "UInt128"
        case .i256: "Int256"
        case .u256: "UInt256"
        case .f32: "Float"
        case .f64: "Double"
        default: nil
        }
    }

    private var specialName: String? {
        if isIdentity { return "Identity" }
        if isConnectionId { return "ConnectionId" }
        if isTimestamp { return "Timestamp" }
        if isTimeDuration { return "TimeDuration" }
        if isUuid { return "Uuid" }
        return isScheduleAt ? "ScheduleAt" : nil
    }
}

extension ColumnSchema {
    /// The column as a property is written: `age: UInt32`.
    package var swiftText: String { "\(name): \(type.swiftText)" }
}
