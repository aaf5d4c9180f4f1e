package imagebase

var (
	Choose        = choose
	ParseManifest = parseManifest
	CheckConfig   = checkConfig
	Relative      = relative
)
