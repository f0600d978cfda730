/* A static program that does nothing: the cheapest exec. */
int main(void)
{
	return 0;
}
