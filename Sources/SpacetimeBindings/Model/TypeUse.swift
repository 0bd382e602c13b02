import SpacetimeSATS

/// A type where it is used: of a column, a field, a payload, a parameter, or what a procedure returns.
indirect enum TypeUse: Hashable, Sendable {
    case bool, string
    case number(NumberType)
    /// An array of bytes, which most languages have a type of its own for.
    case bytes
    case array(TypeUse)
    case option(TypeUse)
    case result(TypeUse, TypeUse)
    case identity, connectionId, timestamp, timeDuration, uuid, scheduleAt
    case unit, never
    /// The type at that position of ``BindingModel/types``.
    case declared(Int)

    /// Whether the type holds one that `isWanted` takes, itself included. Declared types are not looked into.
    func contains(_ isWanted: (TypeUse) -> Bool) -> Bool {
        if isWanted(self) { return true }
        return switch self {
        case .array(let element), .option(let element): element.contains(isWanted)
        case .result(let ok, let error): ok.contains(isWanted) || error.contains(isWanted)
        default: false
        }
    }

    /// The declared types that are named in it.
    var declaredTypes: [Int] {
        switch self {
        case .declared(let position): [position]
        case .array(let element), .option(let element): element.declaredTypes
        case .result(let ok, let error): ok.declaredTypes + error.declaredTypes
        default: []
        }
    }
}

/// The numbers that a column can be of.
enum NumberType: String, CaseIterable, Sendable {
    case i8, u8, i16, u16, i32, u32, i64, u64, i128, u128, i256, u256, f32, f64

    var isFloat: Bool { self == .f32 || self == .f64 }

    /// How many bits it has.
    var width: Int { Int(rawValue.dropFirst()) ?? 0 }
}

extension TypeUse {
    /// A type without parts; nil for those that have some, and for references.
    init?(primitive type: AlgebraicType) {
        switch type {
        case .bool: self = .bool
        case .string: self = .string
        case .i8: self = .number(.i8)
        case .u8: self = .number(.u8)
        case .i16: self = .number(.i16)
        case .u16: self = .number(.u16)
        case .i32: self = .number(.i32)
        case .u32: self = .number(.u32)
        case .i64: self = .number(.i64)
        case .u64: self = .number(.u64)
        case .i128: self = .number(.i128)
        case .u128: self = .number(.u128)
        case .i256: self = .number(.i256)
        case .u256: self = .number(.u256)
        case .f32: self = .number(.f32)
        case .f64: self = .number(.f64)
        case .ref, .sum, .product, .array: return nil
        }
    }

    /// A type that every language knows by name; nil for any other.
    init?(special type: AlgebraicType) {
        if type.isIdentity {
            self = .identity
        } else if type.isConnectionId {
            self = .connectionId
        } else if type.isTimestamp {
            self = .timestamp
        } else if type.isTimeDuration {
            self = .timeDuration
        } else if type.isUuid {
            self = .uuid
        } else if type.isScheduleAt {
            self = .scheduleAt
        } else if type.isUnit {
            self = .unit
        } else if type.isNever {
            self = .never
        } else {
            return nil
        }
    }
}
