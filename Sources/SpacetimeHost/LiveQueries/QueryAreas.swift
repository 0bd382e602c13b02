import SpacetimeEngine
import SpacetimeSchema

/// The one or two fields of which a kind of query asks for an interval, and where its ends are among the values.
struct QueryAreas {
    struct Axis {
        let number: FieldNumber
        let low: Int
        let high: Int
    }

    let axes: [Axis]

    /// Nil if no field is compared with both a lower and an upper end.
    init?(_ parts: [ArraySlice<RowPredicate.Term>], _ schema: TableSchema) {
        var order: [FieldPath] = []
        var ends: [FieldPath: (low: Int?, high: Int?)] = [:]
        for part in parts where part.count == 1 {
            guard case .compareParameter(let path, let comparison, let number)? = part.first else { continue }
            if ends[path] == nil { order.append(path) }
            switch comparison {
            case .greater, .greaterOrEqual: ends[path, default: (nil, nil)].low = number
            case .less, .lessOrEqual: ends[path, default: (nil, nil)].high = number
            case .equal, .notEqual: continue
            }
        }
        var axes: [Axis] = []
        for path in order where axes.count < 2 {
            guard let (low, high) = ends[path], let low, let high, let number = FieldNumber(path, for: schema) else {
                continue
            }
            axes.append(Axis(number: number, low: low, high: high))
        }
        if axes.isEmpty { return nil }
        self.axes = axes
    }

    /// Where a row is; nil if it lacks one of the fields, so that it is in no area.
    @inline(__always)
    func place(of row: UnsafeRawBufferPointer) -> SIMD2<Double>? {
        var place = SIMD2<Double>()
        for (position, axis) in axes.enumerated() {
            guard let number = axis.number.value(in: row) else { return nil }
            // As the ends of areas are read.
            place[position] = number.isNaN ? .infinity : number
        }
        return place
    }

    /// The area of a query with some values; nil if one of its ends is no value of the field.
    func area(_ values: [[UInt8]]) -> AreaIndex.Area? {
        var area = AreaIndex.Area(low: SIMD2(), high: SIMD2())
        for (position, axis) in axes.enumerated() {
            guard let low = axis.number.value(values[axis.low]), let high = axis.number.value(values[axis.high]) else {
                return nil
            }
            // NaN stands behind all numbers, and here behind infinity with it.
            area.low[position] = low.isNaN ? .infinity : low
            area.high[position] = high.isNaN ? .infinity : high
        }
        return area
    }
}
