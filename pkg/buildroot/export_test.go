package buildroot

var (
	ParseOrder = parseOrder
	Usable     = usable
)
